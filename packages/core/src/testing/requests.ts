import { type DeployRequest, parseRequest, type RequestFiles } from '@host-deployer/api'

/** A request from the body of a cloud-config; the first line is added. */
export function cloudConfig(body: string, files: Omit<RequestFiles, 'userData'> = {}): DeployRequest {
  return parseRequest({ userData: `#cloud-config\n${body}`, ...files }).request
}

/** Public keys that parse. */
export const testKeys = {
  alice: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGnJBDU0hucKasy+FH2wrjq81IokE3tMi0+yqdxKbVOD alice@example',
  bob: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDWDt19VqqSB/w8Ps2vCEpU2GCASdqyCZPSSPQVKULdg bob@example',
} as const

/** SHA-512 crypt of `secret`. */
export const testHash = '$6$saltsaltsaltsalt$ph0yGsyjzqdeFaon7.gJZo8eAG5/rj9/JdzOu1Rl7dKzBYg3xgvl7T2VQ2Rt81bc5AXkdA54r0p8QvC1omD6R1'
