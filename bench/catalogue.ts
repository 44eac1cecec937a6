import { join } from 'node:path'
import type { Benchmark } from './benchmark.ts'
import type { Place } from './place.ts'
import { daemonDeployBenchmark, daemonStartBenchmark, grpcHealthBenchmark } from './rows/daemon.ts'
import { deployBenchmark, unchangedBenchmark } from './rows/deploy.ts'
import { firstCommandBenchmark } from './rows/first-command.ts'
import { libguestfsBenchmark } from './rows/libguestfs.ts'
import { memoryBenchmark } from './rows/memory.ts'
import { openMountCloseBenchmark } from './rows/open-mount-close.ts'
import { throughputBenchmark } from './rows/throughput.ts'

/** Everything there is to measure, in the order of a round. */
export function catalogue(place: Place, images: number, accelerator: string) {
  const whole = deployBenchmark(place, { row: 'deploy', grow: true, driver: [], step: 'restore' })
  const clone = deployBenchmark(place, { row: 'deployWithoutGrow', grow: false, driver: [], step: 'restore' })
  const coldBoot = deployBenchmark(place, {
    row: 'deployColdBoot',
    grow: false,
    driver: ['--driver', join(import.meta.dirname, 'drivers', 'cold-boot-driver.ts')],
    step: 'boot',
  })
  const directMount = deployBenchmark(place, { row: 'deployDirectMount', grow: false, driver: ['--driver', 'nbd', '--trust-image'] })
  const all: readonly Benchmark[] = [
    firstCommandBenchmark(place, 'cloneToFirstCommand', 'auto'),
    firstCommandBenchmark(place, 'coldBootToFirstCommand', 'off'),
    whole,
    clone,
    { ...directMount, needsRoot: true },
    unchangedBenchmark(place),
    grpcHealthBenchmark(place),
    daemonDeployBenchmark(place),
    { ...daemonStartBenchmark(place), long: true },
    { ...coldBoot, long: true },
    { ...openMountCloseBenchmark(place, 'qemu-initramfs'), long: true },
    { ...openMountCloseBenchmark(place, 'nbd'), long: true, needsRoot: true },
    { ...openMountCloseBenchmark(place, 'qsd-fuse'), long: true, needsRoot: true },
    { ...memoryBenchmark(place), long: true },
    libguestfsBenchmark(place, accelerator),
    throughputBenchmark(place, images),
  ]
  return { all, bars: { 'template clone': clone, 'cold boot': coldBoot, 'direct mount': directMount } }
}
