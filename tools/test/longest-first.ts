import { basename } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Roughly how many seconds the long files take on two cores without hardware virtualisation. Only their order matters: what is started last should be
 * short, or one worker waits for the other. What is not listed counts as a minute.
 */
const seconds: Readonly<Record<string, number>> = {
  stock: 180,
  'nbd-kernel': 150,
  'cloud-init-contradicted': 150,
  'huge-disks': 100,
  seal: 100,
  'cloud-init-alone': 90,
  'daemon-package': 90,
  kill: 85,
  'debian-13-overlay': 80,
  'cloud-init-delegate': 70,
  'debian-12-overlay': 60,
  'debian-12-raw': 60,
  'daemon-container': 60,
  'odd-disks': 55,
  'drivers-agree': 50,
  'bad-input': 50,
  load: 45,
  'session-loops': 25,
  storage: 24,
  'ordinary-user': 21,
  secrets: 5,
}

/** Starts the test files that take longest first, whatever this checkout has run before. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const order = await super.sort(files)
    return order.toSorted((a, b) => secondsOf(b) - secondsOf(a))
  }
}

const secondsOf = ({ moduleId }: TestSpecification): number => seconds[basename(moduleId).replace('.e2e.test.ts', '')] ?? 60
