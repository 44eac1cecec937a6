import { describe } from 'vitest'
import { deployAndBoot } from './lib/deploy-and-boot.ts'

describe('debian-13 as overlay', () => deployAndBoot({ name: 'debian-13', as: 'overlay', rootType: 'xfs' }))
