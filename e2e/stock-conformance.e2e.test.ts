import { driver } from '@host-deployer/driver-qemu-initramfs'
import { testDriver } from '@host-deployer/driver-testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { stockLikeAppliance } from './lib/stock-like/index.ts'

testDriver({
  driver,
  options: { accel: 'tcg', stock: await stockLikeAppliance() },
  framework: { describe, it, beforeAll, afterAll },
})
