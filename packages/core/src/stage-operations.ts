import type { DeployRequest, OperationReport } from '@host-deployer/api'
import { DeployError, type Diagnostic } from '@host-deployer/driver-api'
import { guestPath, type Prefetch, type StagedFs, type TreeDiff } from '@host-deployer/guest-fs'
import type { GuestFacts } from '@host-deployer/os-detect'
import type { DistroProfile } from './distro-profile.ts'
import { createFirstBoot } from './first-boot.ts'
import { createLoginAccountNote } from './login-account.ts'
import type { Ambient, Operation } from './operation.ts'
import { orderOperations } from './order-operations.ts'

export interface StageInput {
  readonly operations: readonly Operation[]
  readonly request: DeployRequest
  readonly staged: StagedFs
  readonly facts: GuestFacts
  readonly profile: DistroProfile
  readonly ambient: Ambient
}

export interface StageResult {
  readonly reports: readonly OperationReport[]
  readonly passwords: Readonly<Record<string, string>>
  /** The account that `login_account` came to mean; null without one. */
  readonly loginAccount: string | null
  readonly diff: TreeDiff
}

function wantedBy(operations: readonly Operation[]): Prefetch {
  const reads = [...new Set(operations.flatMap((operation) => operation.reads))]
  const [directories, files] = [true, false].map((isDirectory) => reads.filter((path) => path.endsWith('/') === isDirectory).map(guestPath))
  return { ...(directories && { directories }), ...(files && { files }) }
}

/** Lets every operation that the request asks for write its part of the overlay. The first one that cannot fails the deploy; nothing was written. */
export async function stageOperations({ operations, request, staged, facts, profile, ambient }: StageInput): Promise<StageResult> {
  const firstBoot = createFirstBoot()
  const loginAccount = createLoginAccountNote()
  const passwords: Record<string, string> = {}
  const reports: OperationReport[] = []
  const selected = operations.filter((operation) => operation.select(request) !== undefined)
  await staged.prefetch(wantedBy(selected))
  let state = await staged.fingerprint()
  for (const operation of orderOperations(operations)) {
    const input = operation.select(request)
    if (input === undefined) continue
    const diagnostics: Diagnostic[] = []
    const outcome = await operation
      .stage({
        input,
        request,
        fs: staged,
        facts,
        profile,
        ambient,
        firstBoot,
        loginAccount,
        generated: (account, password) => {
          passwords[account] = password
        },
        diagnose: (diagnostic) => diagnostics.push(diagnostic),
      })
      .catch((error: unknown) => {
        if (DeployError.isInstance(error))
          error.diagnostics.push({ severity: 'info', code: 'OPERATION', summary: `While staging ${operation.id}` })
        throw error
      })
    const next = await staged.fingerprint()
    reports.push({ id: operation.id, outcome: outcome ?? (next === state ? 'unchanged' : 'changed'), diagnostics })
    state = next
  }
  return { reports, passwords, loginAccount: loginAccount.chosen?.name ?? null, diff: await staged.diff() }
}
