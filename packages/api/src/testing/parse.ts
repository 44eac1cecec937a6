import { DeployError } from '@host-deployer/driver-api'
import { type ParseRequestOptions, parseRequest, type RequestFiles } from '../parse-request.ts'
import type { Problem } from '../problem.ts'

/** The request of a cloud-config, its header added. */
export const parsed = (yaml: string, options?: ParseRequestOptions) => parseRequest({ userData: `#cloud-config\n${yaml}` }, options).request

export const parsedNetwork = (yaml: string) => parseRequest({ networkConfig: yaml }).request.network

/** The error of a request that has one. */
export function refused(files: RequestFiles, options?: ParseRequestOptions): DeployError {
  try {
    parseRequest(files, options)
  } catch (error) {
    if (DeployError.isInstance(error)) return error
    throw error
  }
  throw new TypeError('The request was accepted')
}

/** `CODE path line` of each problem of a cloud-config. Line 1 is the first after the header. */
export const problemsOf = (yaml: string) => problemsIn({ userData: `#cloud-config\n${yaml}` }, 1)

/** `CODE path line` of each problem of a network-config file. */
export const networkProblems = (yaml: string) => problemsIn({ networkConfig: yaml }, 0)

function problemsIn(files: RequestFiles, headerLines: number): string[] {
  const problems = refused(files).context['problems'] as readonly Problem[]
  return problems.map(({ code, path = '', line = 0 }) => `${code} ${path} ${line - headerLines}`)
}

export const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0C5iqZ4Qm9T1bGmQY9xgqs8aZqkq1Y0Cq6wYhVZbq+ somebody@example'
export const sha512Hash =
  '$6$rounds=5000$saltsaltsalt$iVwYBqIYcAKfB0ZxkMYtBBTzNjnD7GTZmJoLqvBUmAb5UZcQZxvTQPPYhQqVO6pYEuqNQbtIwj0WMLzL1Pb9P1'
