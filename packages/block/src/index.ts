export { applyGrow } from './apply-grow.ts'
export type { GrowTarget } from './choose-grow-target.ts'
export { chooseGrowTarget } from './choose-grow-target.ts'
export { formatDisk } from './format-disk.ts'
export { growDevice, growTarget } from './grow-device.ts'
export type { GrowPlan, GrowRequest, GrowStep } from './grow-plan.ts'
export { mountGuest } from './mount-guest.ts'
export type { BlockSession, BootEvidence, GuestMount, GuestStorage, MountedGuest, MountOptions } from './mounted-guest.ts'
export type { NewFilesystem } from './new-filesystem.ts'
export { planGrow, planGrowDevice } from './plan-grow.ts'
export { releaseStorage, scanStorage } from './scan-storage.ts'
export type {
  Filesystem,
  LogicalVolume,
  Partition,
  PartitionTable,
  PhysicalVolume,
  Storage,
  StorageDisk,
  VolumeGroup,
} from './storage.ts'
