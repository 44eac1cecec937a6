import { basename, join, relative, sep } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const root = join(import.meta.dirname, '..', '..')

/**
 * Roughly how many seconds the long files take on two cores without hardware virtualisation, by package and name: see {@link keyOf}. Only their order
 * matters: what is started last should be short, or one worker waits for the other.
 */
const seconds: Readonly<Record<string, number>> = {
  'e2e/daemon-compat.e2e': 237,
  'e2e/stock.e2e': 167,
  'e2e/nbd-kernel.e2e': 155,
  'e2e/daemon-load.e2e': 141,
  'e2e/cloud-init-keep.e2e': 130,
  'e2e/daemon-package.e2e': 90,
  'e2e/daemon-container.e2e': 90,
  'e2e/seal.e2e': 85,
  'e2e/clones.e2e': 83,
  'e2e/cloud-init-delegate.e2e': 81,
  'e2e/debian-13-overlay.e2e': 77,
  'e2e/stock-conformance.e2e': 73,
  'e2e/twins.e2e': 71,
  'e2e/daemon-work.e2e': 69,
  'e2e/disks.e2e': 58,
  'e2e/kill.e2e': 53,
  'e2e/debian-12-raw.e2e': 49,
  'e2e/drivers-agree.e2e': 47,
  'e2e/debian-12-overlay.e2e': 44,
  'e2e/huge-disks.e2e': 42,
  'e2e/load.e2e': 36,
  'e2e/bad-input.e2e': 35,
  'e2e/daemon-secrets.e2e': 25,
  'e2e/session-loops.e2e': 25,
  'e2e/driver-nbd.e2e': 20,
  'e2e/odd-disks.e2e': 18,
  'e2e/ordinary-user.e2e': 13,
  'e2e/storage.e2e': 13,
  'e2e/secrets.e2e': 2,

  'driver-qemu-initramfs/conformance.int': 100,
  'driver-qemu-initramfs/templates.int': 90,
  'appliance/appliance.int': 60,
  'driver-qemu-initramfs/held-templates.int': 48,
  'daemon/create-work.int': 40,
  'release/examples.int': 38,
  'driver-kit/tool-host.int': 36,
  'driver-qemu-initramfs/driver.int': 36,
  'driver-nbd/driver.int': 28,
  'scaffold/driver-package.int': 24,
  'driver-nbd/conformance.int': 23,
  'driver-qemu-initramfs/clones.int': 20,
  'cli/serve.int': 18,
  'daemon/serve.int': 16,
  'core/kernel-state.int': 13,
  'block/format-disk.int': 12,
  'guest-fs/walk.int': 7,
  'core/useradd.int': 5,

  'driver-testkit/exec-mutants': 8,
  'driver-testkit/disk-mutants': 7,
  'core/golden': 5,
  'driver-testkit/session-mutants': 4,
  'daemon/watch-config': 4,
  'driver-testkit/kill-mutants': 3,
}

/** What an end-to-end test takes that is not listed. */
const USUAL_END_TO_END_SECONDS = 60

/** Starts the test files that take longest first, whatever this checkout has run before. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const order = await super.sort(files)
    return order.toSorted((a, b) => secondsOf(b.moduleId) - secondsOf(a.moduleId))
  }
}

/** A file's directory below `packages`, `apps` or `tools`, or `e2e`, and its name without `.test.ts`. */
function keyOf(path: string): string {
  const [top = '', below = ''] = relative(root, path).split(sep)
  return `${['packages', 'apps', 'tools'].includes(top) ? below : top}/${basename(path, '.test.ts')}`
}

const secondsOf = (path: string): number => seconds[keyOf(path)] ?? (path.endsWith('.e2e.test.ts') ? USUAL_END_TO_END_SECONDS : 1)
