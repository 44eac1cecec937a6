export type { BootEvidence } from './detect-boot.ts'
export { detectGuest } from './detect-guest.ts'
export type { GuestFacts, NetworkManager } from './facts.ts'
