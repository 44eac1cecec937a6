import { driver } from '@host-deployer/driver-qemu-initramfs'
import { testDriver } from '@host-deployer/driver-testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { stockLikeAppliance } from './lib/stock-like/index.ts'

testDriver({
  driver,
  options: { accel: 'tcg', stock: await stockLikeAppliance() },
  framework: { describe, it, beforeAll, afterAll },
  // Each session takes some ten seconds: all groups are for `./dev test soak`.
  ...(process.env['HOST_DEPLOYER_SOAK'] === undefined && { groups: ['fs'] as const }),
})
