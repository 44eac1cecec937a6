import { enableCompileCache } from 'node:module'

// The entry of a worker process: `worker-main MARKER COMPILED`. The marker is what reclaim knows the process by; `COMPILED` a directory for compiled code.
export const [, , marker, compiled] = process.argv
if (compiled !== undefined) enableCompileCache(compiled)

await import('./worker.ts')
