import { describe } from 'vitest'
import { deployAndBoot } from './lib/deploy-and-boot.ts'

describe('debian-12 as raw', () => deployAndBoot({ name: 'debian-12', as: 'raw', rootType: 'ext4' }))
