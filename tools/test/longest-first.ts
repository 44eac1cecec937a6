import { basename, join, relative, sep } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const root = join(import.meta.dirname, '..', '..')

/**
 * Roughly how many seconds the long files take on two cores without hardware virtualisation, by package and name: see {@link keyOf}. Only their order
 * matters: what is started last should be short, or one worker waits for the other.
 */
const seconds: Readonly<Record<string, number>> = {
  'e2e/nbd-kernel.e2e': 160,
  'e2e/daemon-compat.e2e': 155,
  'e2e/daemon-container.e2e': 120,
  'e2e/cloud-init-keep.e2e': 105,
  'e2e/daemon-package.e2e': 100,
  'e2e/stock.e2e': 88,
  'e2e/daemon-load.e2e': 87,
  'e2e/cloud-init-delegate.e2e': 79,
  'e2e/daemon-work.e2e': 70,
  'e2e/debian-13-overlay.e2e': 59,
  'e2e/seal.e2e': 56,
  'e2e/stock-conformance.e2e': 55,
  'e2e/twins.e2e': 46,
  'e2e/disks.e2e': 44,
  'e2e/kill.e2e': 43,
  'e2e/debian-12-overlay.e2e': 43,
  'e2e/clones.e2e': 40,
  'e2e/debian-12-raw.e2e': 38,
  'e2e/drivers-agree.e2e': 35,
  'e2e/huge-disks.e2e': 33,
  'e2e/bad-input.e2e': 30,
  'e2e/cancel.e2e': 22,
  'e2e/load.e2e': 20,
  'e2e/session-loops.e2e': 20,
  'e2e/driver-nbd.e2e': 17,
  'e2e/odd-disks.e2e': 14,
  'e2e/ordinary-user.e2e': 14,
  'e2e/storage.e2e': 13,
  'e2e/daemon-secrets.e2e': 12,
  'e2e/secrets.e2e': 2,

  'driver-qemu-initramfs/conformance.int': 96,
  'driver-qemu-initramfs/templates.int': 80,
  'appliance/appliance.int': 60,
  'daemon/create-work.int': 52,
  'driver-qemu-initramfs/stuck-templates.int': 80,
  'driver-qemu-initramfs/held-templates.int': 75,
  'release/examples.int': 38,
  'driver-qemu-initramfs/driver.int': 30,
  'driver-qemu-initramfs/clones.int': 29,
  'driver-nbd/driver.int': 28,
  'driver-kit/tool-host.int': 26,
  'driver-nbd/conformance.int': 24,
  'scaffold/driver-package.int': 24,
  'daemon/serve.int': 22,
  'block/format-disk.int': 14,
  'cli/serve.int': 13,
  'core/kernel-state.int': 13,
  'core/useradd.int': 6,
  'guest-fs/walk.int': 4,
  'driver-testkit/bundle.int': 4,

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
