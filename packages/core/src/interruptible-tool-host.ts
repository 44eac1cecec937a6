import type { ToolHost } from '@host-deployer/driver-api'

/**
 * A tool host whose programs are ended by the signal that `signalNow` gives for the moment they start in, unless the call has one of its own.
 *
 * A signal is heard once: it ends what runs, or else the next program to start. What is started after that is what releases things, and runs as ever.
 */
export function interruptibleToolHost(toolHost: ToolHost, signalNow: () => AbortSignal | undefined): ToolHost {
  let wasHeard = false
  return {
    fs: toolHost.fs,
    async exec(argv, options) {
      const signal = options?.signal === undefined ? signalNow() : undefined
      if (signal === undefined || wasHeard) return toolHost.exec(argv, options)
      try {
        return await toolHost.exec(argv, { ...options, signal })
      } catch (error) {
        if (signal.aborted) wasHeard = true
        throw error
      }
    },
  }
}
