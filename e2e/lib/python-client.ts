import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { type ForeignClient, foreignClient, protoDirectory, rpcFailure } from './foreign-client.ts'
import type { Workspace } from './workspace.ts'

/** Debian's own, which its modules belong to, whatever else is in PATH. */
const python = '/usr/bin/python3'

/** Python's grpcio with stubs that protoc made. */
export async function startPythonClient(space: Workspace, socketPath: string, authority?: string): Promise<ForeignClient> {
  const stubs = space.path('stubs')
  await mkdir(stubs, { recursive: true })
  const into = [`--python_out=${stubs}`, `--grpc_python_out=${stubs}`]
  await execa(python, ['-m', 'grpc_tools.protoc', `-I${protoDirectory}`, ...into, 'deploy.proto'])
  const script = join(import.meta.dirname, 'deploy-agent.py')
  const words = [script, stubs, `unix:${socketPath}`, ...(authority === undefined ? [] : [authority])]
  const child = spawn(python, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  const ask = answersOf(child)
  return foreignClient(
    async (rpc, params, timeoutS) => {
      const answer = await ask({ rpc, params, ...(timeoutS !== undefined && { timeout: timeoutS }) })
      return 'reply' in answer ? answer : rpcFailure(answer.status, answer.message, Buffer.from(answer.details, 'hex'))
    },
    async () => {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  )
}

interface Failure {
  readonly status: string
  readonly message: string
  readonly details: string
}

type Answer = { readonly reply: Record<string, unknown> } | Failure

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
