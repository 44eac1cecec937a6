#!/usr/bin/env node
import { conformanceCommand } from './conformance-command.ts'
import { obeyAsSessionOwner } from './session-owner.ts'

// In one bundled file this is also the program of the processes that the kit kills.
if (!(await obeyAsSessionOwner())) {
  const code = await conformanceCommand(process.argv.slice(2))
  // Once what was written is out: what a driver may have left running does not keep this process.
  process.stdout.write('', () => process.exit(code))
}
