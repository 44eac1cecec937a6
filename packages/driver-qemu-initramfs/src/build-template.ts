import { once } from 'node:events'
import { chown, mkdtemp, open, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { DriverError } from '@host-deployer/driver-api'
import { aborted, createResourceStack, type ResourceStack } from '@host-deployer/driver-kit'
import { readAppliance } from './appliance-manifest.ts'
import { generateBootKeys } from './boot-keys.ts'
import { IGNORE_SHARED } from './clone.ts'
import { SHOW_NOTICES } from './confirm-reseed.ts'
import { createSessionDirectory } from './environment.ts'
import type { HeldMemory } from './held-memory.ts'
import { SSH_PORT_ID } from './qemu-command-line.ts'
import type { QmpClient } from './qmp-client.ts'
import { publishTemplate, type TemplatePlace, templateKeys } from './template-store.ts'
import { buildingPrefix } from './template-sweep.ts'
import { rememberStart } from './template-times.ts'
import { type RunningVm, startVm, type VmInput } from './virtual-machine.ts'

// What nearly every session needs; a module that is loaded needs no file. blkid ends with 2 where there is nothing to tell of (blkid(8)).
const WARM_UP = `modprobe -a xfs btrfs vfat dm_mod || note modules
while read -r module rest; do find /usr/lib/modules -name "$module.ko" -delete || note find; done </proc/modules
blkid || [ $? = 2 ] || note blkid
for program in lsblk 'lvm version' 'sfdisk --version' 'mount --help' 'umount --help' 'find /etc' 'tar --version'; do
  $program || note "\${program%% *}"
done`

// Most of the memory that the boot has used and given back: what is zero is neither saved nor loaded.
const CLEAR = `while read -r name free unit; do [ "$name" = MemFree: ] && break; done </proc/meminfo
mkdir /run/clear && mount -t tmpfs -o size=100% clear /run/clear && head -c "$(((free - 8192) * 1024))" /dev/zero >/run/clear/zeros || note memory
umount /run/clear; rmdir /run/clear`

/** What the appliance still does after the port is open again: start the processes that wait for the next session. */
const SETTLE_MS = 300
const SOCKET_NAME = 's'
const SAVE_TIMEOUT_MS = 60_000

/** Of a session that is to be a clone, what its template is built with. */
export type BuildTemplateInput = Omit<VmInput, 'disks' | 'directory' | 'origin'>

const notMade = (message: string): DriverError =>
  new DriverError('DRIVER_TEMPLATE_FAILED', message, {
    hint: 'Build or install the appliance again; the driver option template: off does without.',
  })

/** Has the appliance do once what sessions do, and ends that session. What of it did not work: clones work all the same, and do that themselves. */
async function warmUp(vm: RunningVm, isHeld: boolean, signal: AbortSignal | undefined): Promise<string[]> {
  const steps = [WARM_UP, ...(isHeld ? [] : [CLEAR]), 'sync', `${SHOW_NOTICES} || note printk`].join('\n')
  const script = `failed=\nnote() { case " $failed " in *" $1 "*) ;; *) failed="$failed $1" ;; esac; }\n{ ${steps}\n} >/dev/null 2>&1\necho "$failed"`
  const { exitCode, stdout, stderr } = await vm.toolHost.exec(['sh', '-c', script], {
    timeoutMs: SAVE_TIMEOUT_MS,
    ...(signal && { signal }),
  })
  if (exitCode !== 0)
    throw notMade(`The appliance could not be warmed up: ${Buffer.from(stderr).toString().trim() || `exit code ${exitCode}`}`)
  const opened = Promise.withResolvers<void>()
  vm.qmp.onEvent(({ event, data }) => {
    if (event === 'VSERPORT_CHANGE' && data['id'] === SSH_PORT_ID && data['open'] === true) opened.resolve()
  })
  await vm.toolHost.close()
  const late = delay(SAVE_TIMEOUT_MS, 'late', { ref: false })
  if ((await Promise.race([opened.promise, vm.process.exited, late])) !== undefined) {
    throw notMade('The appliance did not become ready for another session')
  }
  await delay(SETTLE_MS)
  return Buffer.from(stdout)
    .toString()
    .split(/\s+/)
    .filter((step) => step !== '')
}

const notSaved = (reason: string, cause?: unknown): DriverError =>
  new DriverError('DRIVER_TEMPLATE_FAILED', `The state of the VM could not be saved: ${reason}`, {
    hint: 'Look at the free space of the cache directory; the driver option template: off does without.',
    cause,
  })

async function saved(qmp: QmpClient, signal: AbortSignal | undefined): Promise<void> {
  const deadline = performance.now() + SAVE_TIMEOUT_MS
  for (;;) {
    if (signal?.aborted === true) throw aborted(signal, 'saving the template')
    const answer = (await qmp.execute('query-migrate')) as { readonly status?: string; readonly 'error-desc'?: string }
    if (answer.status === 'completed') return
    if (answer.status === 'failed' || answer.status === 'cancelled') throw notSaved(answer['error-desc'] ?? `QEMU says ${answer.status}`)
    if (performance.now() > deadline) throw notSaved(`QEMU has not done it in ${SAVE_TIMEOUT_MS} ms (${answer.status})`)
    await delay(10)
  }
}

/** Writes the state of the stopped VM into a new file, without memory that is held. QEMU may create none: it connects to a socket in its directory, to which we listen. */
async function saveState({ qmp }: RunningVm, input: VmInput, path: string, isHeld: boolean, stack: ResourceStack): Promise<void> {
  // By descriptor, since the path of a socket is limited to 107 bytes.
  const directory = await open(input.directory, 'r')
  stack.defer(input.directory, () => directory.close())
  const state = await open(path, 'wx', 0o600)
  stack.defer(path, () => state.close())
  const server = createServer()
  stack.defer('socket', () => void server.close())
  server.listen(`/proc/self/fd/${directory.fd}/${SOCKET_NAME}`)
  await once(server, 'listening')
  if (input.user !== undefined) await chown(join(input.directory, SOCKET_NAME), input.user.uid, input.user.gid)
  const written = once(server, 'connection').then(async ([socket]) => {
    stack.defer('connection', () => void (socket as Socket).destroy())
    await pipeline(socket as Socket, state.createWriteStream())
  })
  // A file that cannot be written to closes the connection, which is all that QEMU learns of it.
  let refusal: Error | undefined
  written.catch((error: Error) => {
    refusal = error
  })
  if (isHeld) await qmp.execute('migrate-set-capabilities', { capabilities: [{ capability: IGNORE_SHARED, state: true }] })
  // The default limits the rate for the sake of a network.
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': 2 ** 40 })
  await qmp.execute('migrate', { uri: `unix:${SOCKET_NAME}` })
  try {
    await saved(qmp, input.context.signal)
    await written
  } catch (error) {
    throw refusal === undefined ? error : notSaved(refusal.message, refusal)
  }
}

/**
 * Boots the appliance without a disk, lets it run through what every session needs, ends that session, and saves the VM as the template at `place`,
 * whose parent directory exists; with its memory in `memory`, which is sealed and kept. Leaves nothing behind when it fails, but `memory`, which is the
 * caller's to release. What could not be warmed up is in its record. `DRIVER_TEMPLATE_FAILED`, `APPLIANCE_DAMAGED` (the checksums are looked at) and the
 * codes of {@link startVm}; what the file system says as it is.
 */
export async function buildTemplate(input: BuildTemplateInput, place: TemplatePlace, memory?: HeldMemory): Promise<void> {
  const { context, user } = input
  const stack = createResourceStack()
  try {
    // Sessions look at sizes only. What all clones are made of is worth reading once; that it changed later is in the template's key.
    await readAppliance(input.appliance.directory, { verify: true })
    const building = await mkdtemp(join(place.parent, await buildingPrefix()))
    stack.defer(building, () => rm(building, { recursive: true, force: true }))
    stack.defer(`lease of ${building}`, await context.leases.record({ kind: 'directory', details: { path: building } }))
    const directory = await createSessionDirectory(context, stack)
    if (user !== undefined) await chown(directory, user.uid, user.gid)
    const keys = generateBootKeys()
    const own: VmInput = {
      ...input,
      disks: [],
      directory,
      origin: { kind: 'template', keys, directory, ...(memory && { memory: memory.handle }) },
    }
    const machine = createResourceStack()
    stack.defer('machine', () => machine.release())
    const started = performance.now()
    const vm = await startVm(own, machine)
    await rememberStart(place, 'boot', performance.now() - started)
    const isHeld = memory !== undefined
    const notWarm = await warmUp(vm, isHeld, context.signal)
    if (notWarm.length > 0) context.logger.warn('template.not-warm', { failed: notWarm })
    await vm.qmp.execute('stop')
    await saveState(vm, own, join(building, 'state'), isHeld, stack)
    if (isHeld) {
      // While anybody has it mapped for writing it cannot be sealed.
      await machine.release()
      await memory.handle.close()
      await memory.seal()
    }
    await publishTemplate(place, building, { keys: templateKeys(keys), notWarm, ...(memory && { memory: memory.place }) })
    await memory?.keep()
  } catch (error) {
    throw await stack.releaseAfter(error)
  }
  await stack.release()
}
