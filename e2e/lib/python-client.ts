import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { decodeErrorDetails, type ErrorDetails } from '@host-deployer/api/grpc'
import { execa } from 'execa'
import type { Workspace } from './workspace.ts'

export type Rpc =
  | 'DeployGuestFs'
  | 'ResizeFs'
  | 'FormatFs'
  | 'SaveToGlance'
  | 'ProbeImageInfo'
  | 'ConnectEsxiDisks'
  | 'DisconnectEsxiDisks'
  | 'SetOvmfBootOrder'

/** What grpcio made of an error. */
export interface PythonError {
  readonly status: string
  readonly message: string
  readonly details: ErrorDetails | undefined
}

/** Python's grpcio with stubs that protoc made of our proto file: nothing of ours is between the test and the socket. */
export interface PythonClient extends AsyncDisposable {
  /** The reply with every field, named as in the proto file. Rejects with a plain `Error` that shows what came instead. */
  call(rpc: Rpc, params: object): Promise<Record<string, unknown>>
  /** The error of a call that has to fail. */
  fail(rpc: Rpc, params: object, timeoutS?: number): Promise<PythonError>
}

const proto = join(import.meta.dirname, '..', '..', 'packages', 'api', 'proto')
/** Debian's own, which its modules belong to, whatever else is in PATH. */
const python = '/usr/bin/python3'

export async function startPythonClient(space: Workspace, socketPath: string, authority?: string): Promise<PythonClient> {
  const stubs = space.path('stubs')
  await mkdir(stubs, { recursive: true })
  await execa(python, ['-m', 'grpc_tools.protoc', `-I${proto}`, `--python_out=${stubs}`, `--grpc_python_out=${stubs}`, 'deploy.proto'])
  const script = join(import.meta.dirname, 'deploy-agent.py')
  const words = [script, stubs, `unix:${socketPath}`, ...(authority === undefined ? [] : [authority])]
  const child = spawn(python, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  const ask = answersOf(child)
  return {
    async call(rpc, params) {
      const answer = await ask({ rpc, params })
      if ('reply' in answer) return answer.reply
      throw new Error(`${rpc}: ${JSON.stringify(errorOf(answer))}`)
    },
    async fail(rpc, params, timeoutS) {
      const answer = await ask({ rpc, params, ...(timeoutS !== undefined && { timeout: timeoutS }) })
      if ('reply' in answer) throw new Error(`${rpc} did not fail: ${JSON.stringify(answer.reply)}`)
      return errorOf(answer)
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

interface Failure {
  readonly status: string
  readonly message: string
  readonly details: string
}

type Answer = { readonly reply: Record<string, unknown> } | Failure

const errorOf = ({ status, message, details }: Failure): PythonError => ({
  status,
  message,
  details: decodeErrorDetails(Buffer.from(details, 'hex')),
})

/** One question at a time: answers come in order. */
function answersOf(child: ChildProcessWithoutNullStreams): (question: object) => Promise<Answer> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  let last: Promise<unknown> = Promise.resolve()
  return (question) => {
    const next = last.then(async () => {
      child.stdin.write(`${JSON.stringify(question)}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`the Python client has ended: ${said}`)
      return JSON.parse(value) as Answer
    })
    last = next.catch(() => undefined)
    return next
  }
}
