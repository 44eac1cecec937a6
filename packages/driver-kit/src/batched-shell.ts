import { randomUUID } from 'node:crypto'
import { ExecError, type ToolHost } from '@host-deployer/driver-api'

/** One piece of work for a shell that many share. */
export interface ShellJob {
  /** Commands; they set `r` to a word when the work did not succeed. Standard input is empty. They do not exit. */
  readonly script: string
  /** What the job prints at most. */
  readonly maxOutputBytes: number
}

export interface ShellOutcome {
  /** `ok`, or the word the job has set. */
  readonly word: string
  readonly output: Buffer
}

interface Waiting {
  readonly job: ShellJob
  readonly resolve: (outcome: ShellOutcome) => void
  readonly reject: (error: unknown) => void
}

/** A small multiple of what one shell is good for: a longer script is only parsed for longer before anything happens. */
const MAX_JOBS = 200

/** A big answer does not hold up small ones. */
const MAX_SHELLS = 2

function cut(stdout: Buffer, mark: string, count: number): ShellOutcome[] {
  const outcomes: ShellOutcome[] = []
  for (let at = 0; outcomes.length < count; ) {
    const end = stdout.indexOf(mark, at)
    const lineEnd = end === -1 ? -1 : stdout.indexOf('\n', end + mark.length)
    if (lineEnd === -1) break
    outcomes.push({ output: stdout.subarray(at, end), word: stdout.toString('latin1', end + mark.length, lineEnd) })
    at = lineEnd + 1
  }
  return outcomes
}

/**
 * Runs pieces of work in few shells: what is asked for while others wait goes together into one `sh` of the tool host, which saves a program start and a
 * round trip each. `prelude` defines what the jobs use. Rejects as `exec` does; `EXEC_FAILED` when the shell ended before its time.
 */
export function createBatchedShell(exec: ToolHost['exec'], prelude: string): (job: ShellJob) => Promise<ShellOutcome> {
  const queue: Waiting[] = []
  let running = 0
  let scheduled = false

  const run = async (batch: readonly Waiting[]): Promise<void> => {
    // Nothing a job prints can contain what was drawn a moment ago.
    const mark = `\n${randomUUID()} `
    const body = batch.map(({ job }) => `r=ok\n${job.script}\nprintf '\\n%s %s\\n' "$B" "$r"\n`).join('')
    // In braces, so that the shell has read all of it before a job could read from its input.
    const script = `${prelude}\nB='${mark.trim()}'\n{\n${body}} </dev/null\n`
    const maxOutputBytes = batch.reduce((sum, { job }) => sum + job.maxOutputBytes + 256, 65_536)
    try {
      const { stdout, stderr, exitCode } = await exec(['sh'], { stdin: script, maxOutputBytes })
      const outcomes = cut(Buffer.from(stdout), mark, batch.length)
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index]
        if (outcome !== undefined) resolve(outcome)
        else {
          const said = Buffer.from(stderr).toString().trim().slice(-500)
          reject(new ExecError('EXEC_FAILED', `The shell on the tool host ended early (exit code ${exitCode}): ${said}`))
        }
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  const pump = (): void => {
    scheduled = false
    while (queue.length > 0 && running < MAX_SHELLS) {
      running += 1
      run(queue.splice(0, MAX_JOBS)).finally(() => {
        running -= 1
        pump()
      })
    }
  }

  return (job) =>
    new Promise((resolve, reject) => {
      queue.push({ job, resolve, reject })
      if (scheduled) return
      scheduled = true
      // Whatever is asked for in this turn goes along.
      setImmediate(pump)
    })
}
