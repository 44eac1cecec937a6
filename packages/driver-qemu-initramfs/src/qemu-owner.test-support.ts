// A program that starts what stands for QEMU, says its number, and stays: `node qemu-owner.test-support.ts SETPRIV`.
import { startQemu } from './qemu-process.ts'

const [, , setpriv = ''] = process.argv
const { pid } = await startQemu({ qemu: 'sleep', setpriv, argv: ['1000'], user: undefined, descriptors: [] })
process.stdout.write(`${pid}\n`)
setInterval(() => {}, 60_000)
