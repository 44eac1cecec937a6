import type { DistroProfile } from '../distro-profile.ts'
import { debian } from './debian.ts'
import { ubuntu } from './ubuntu.ts'

/** Every distribution we know. */
export const distros: readonly DistroProfile[] = [debian, ubuntu]
