export type { GuestFacts, NetworkManager } from './facts.ts'
