import { describe } from 'vitest'
import { deployAndBoot } from './lib/deploy-and-boot.ts'

describe('debian-12 as overlay', () => deployAndBoot({ name: 'debian-12', as: 'overlay', rootType: 'ext4' }))
