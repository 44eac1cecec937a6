#!/usr/bin/env node
import { keepCompiled } from './keep-compiled.ts'

// The modules of a deploy take tenths of a second to compile, and a VM that is cloned leaves no time to hide that behind. What is imported from here on
// comes from the cache.
keepCompiled(process.env)

await import('./program.ts')
