// Sessions that are clones of a template: what they share and what they do not. Needs an appliance that can reseed (`host-deployer appliance build`).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, open, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { createRawImage, digestOf, isFree, listTree, processesHolding } from '@host-deployer/driver-testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  type CloneFixture,
  createCloneFixture,
  IMAGE_BYTES,
  isClone,
  ourQemus,
  run,
  theTemplate,
  withCache,
} from './clones.test-support.ts'
import { driver } from './driver.ts'
import { watchSessionBytes } from './session-bytes.test-support.ts'

let fixture: CloneFixture
beforeAll(async () => {
  fixture = await createCloneFixture()
})
afterEach(() => fixture.closeAll())
afterAll(() => fixture.remove())

test('two processes ask at once: one template is built, both get a clone; nothing of the build is left', async () => {
  const other = fixture.openElsewhere(await createRawImage(fixture.directory, 'other', IMAGE_BYTES))
  const session = await fixture.open()
  expect(isClone(session)).toBe(true)
  expect(await other.said).toBe('open')
  other.stdin?.end()
  await once(other, 'exit')
  await session.close()
  const template = await theTemplate(fixture.templates)
  expect((await readdir(fixture.templates)).filter((name) => !/\.(boot|clone)$/.test(name))).toHaveLength(1)
  expect((await readdir(template)).sort()).toEqual(['state', 'template.json'])
  expect((await stat(template)).mode & 0o777).toBe(0o700)
  for (const name of ['state', 'template.json']) expect((await stat(join(template, name))).mode & 0o777).toBe(0o600)
})

test('nothing passes from one clone to the next: no file, no process, no mount, no module, not even when it was killed', async () => {
  // Of processes those that have a program, not the kernel's own; the list is complete before anything is started to sort it.
  const look = `ls -A /root /mnt /run /tmp; cat /proc/mounts; programs=$(readlink /proc/[0-9]*/exe); echo "$programs" | sort
modules=$(cut -d" " -f1 /proc/modules); echo "$modules" | sort; head -c 16 "$(ls /dev/sd?)" | od -An -tx1`
  const pristine = await fixture.open()
  const before = await run(pristine, look)
  await pristine.close()
  const first = await fixture.open()
  await run(
    first,
    'echo planted >/root/planted; echo planted >/etc/profile; mkdir /mnt/planted; mount -t tmpfs planted /mnt/planted; modprobe udf; sleep 1000 >/dev/null 2>&1 &',
  )
  expect(await run(first, look)).not.toBe(before)
  const pending = first.toolHost.exec(['sleep', '100']).catch((error: unknown) => error)
  // A program that has started: its end is what is lost.
  await run(first, 'sleep 0.5')
  for (const pid of await ourQemus()) process.kill(pid, 'SIGKILL')
  expect(await pending).toMatchObject({ code: 'DRIVER_QEMU_EXITED' })
  await first.close().catch(() => {})
  const next = await fixture.open()
  expect(isClone(next)).toBe(true)
  expect(await run(next, look)).toBe(before)
  expect(await run(next, 'cat /etc/profile 2>/dev/null; true')).not.toContain('planted')
  await next.close()
})

test('the clock of a clone is right, its diagnostics are empty, the template stays as it is', async () => {
  const state = join(await theTemplate(fixture.templates), 'state')
  const before = await stat(state, { bigint: true })
  const session = await fixture.open()
  expect(session.diagnostics).toEqual([])
  // Its kernel has seen the new generation id.
  expect(session.info.timings).toHaveProperty('reseed')
  expect(Math.abs(Number(await run(session, 'date +%s')) - Date.now() / 1000)).toBeLessThan(15)
  await session.close()
  const after = await stat(state, { bigint: true })
  expect([after.mtimeNs, after.ctimeNs, after.ino]).toEqual([before.mtimeNs, before.ctimeNs, before.ino])
  expect(await isFree(fixture.image)).toBe(true)
  expect(await processesHolding(fixture.directory)).toEqual([])
  expect(await listTree(fixture.workDirectory)).toEqual([])
  expect(await listTree(fixture.leaseDirectory)).toEqual([])
})

test('clones that keep the generation id of their template are sent fresh randomness: three have nothing in common', async () => {
  const qemu = join(fixture.directory, 'qemu-with-one-generation')
  const oneId = 'vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87'
  const script = `#!/bin/sh
for word; do
  shift
  if [ "$word" = vmgenid,guid=auto ]; then word=${oneId}; fi
  set -- "$@" "$word"
done
exec qemu-system-x86_64 "$@"
`
  await writeFile(qemu, script)
  await chmod(qemu, 0o755)
  const changes = { ...withCache(join(fixture.directory, 'one-generation')), options: { ...fixture.context().options, qemu } }
  expect(await driver.prepare?.(fixture.context(changes))).toMatchObject({ outcome: 'made' })
  const watch = watchSessionBytes()
  const drawn: string[] = []
  for (let count = 0; count < 3; count += 1) {
    const session = await fixture.open(changes)
    expect(session.info.timings).toHaveProperty('seed')
    expect(session.info.timings).not.toHaveProperty('reseed')
    drawn.push(...(await run(session, 'head -c 32 /dev/urandom | od -An -w32 -tx1; cat /proc/sys/kernel/random/uuid')).split('\n'))
    await session.close()
  }
  watch.stop()
  for (const packets of watch.fresh()) drawn.push(...packets)
  // With other sources of randomness around, as here, what is drawn may differ without it.
  for (const go of watch.go()) expect(go).toMatch(/^R[0-9a-f]{128}\n$/)
  drawn.push(...watch.go().map(String))
  expect(drawn).toHaveLength(3 * 5)
  expect(new Set(drawn).size).toBe(drawn.length)
})

// Everything that code running in a QEMU that is taken over may try, one line each; it prints what worked. `$1`: the template's directory,
// `$2`: our pid, `$3`: the inode of the state, `$4`: a directory in which all of that has to work.
const attack = `
fd=; for link in /proc/self/fd/*; do [ "$(stat -Lc %i "$link" 2>/dev/null)" = "$3" ] && fd=\${link##*/}; done
[ -n "$fd" ] || { echo "the state was not inherited"; exit 1; }
try() { if sh -c "$2" sh "$dir" "$pid" "$fd" >/dev/null 2>&1; then echo "worked: $1"; fi; }
dir=$1 pid=$2
try 'control: reading the state it was restored from' 'head -c 1 <&$3'
try 'reopening it for reading' 'head -c 1 /proc/self/fd/$3'
try 'writing to the descriptor' 'echo x >&$3'
try 'reopening it for writing' 'echo x >>/proc/self/fd/$3'
try 'reopening it for both' ': <>/proc/self/fd/$3'
try 'truncating it' 'truncate -s 0 /proc/self/fd/$3'
try 'changing its mode' 'chmod 666 /proc/self/fd/$3'
try 'changing its owner' 'chown "$(id -u)" /proc/self/fd/$3'
try 'changing its times' 'touch /proc/self/fd/$3'
try 'linking it' 'ln -L /proc/self/fd/$3 /tmp/stolen-$$'
try 'looking into the process that owns the template' 'ls "/proc/$2/fd/"'
try 'reading its memory' 'head -c 1 "/proc/$2/mem"'
try 'signalling it' 'kill -0 "$2"'
try 'becoming root' 'setpriv --reuid 0 true'
attack_directory() {
  dir=$1
  try "$2listing the template" 'ls "$1"'
  for file in state template.json; do
    try "$2reading $file" "head -c 1 "$1/$file""
    try "$2writing $file" "echo x >>"$1/$file""
    try "$2removing $file" "rm "$1/$file""
    try "$2replacing $file" "cp --remove-destination /dev/null "$1/$file""
  done
  try "$2moving the template" 'mv "$1" "$1.moved"'
}
attack_directory "$1" ''
attack_directory "$4" 'control: '
`
const controls = [
  ...['reading the state it was restored from', 'listing the template'],
  ...['state', 'template.json'].flatMap((file) => ['reading', 'writing', 'removing', 'replacing'].map((verb) => `${verb} ${file}`)),
  'moving the template',
].map((name) => `worked: control: ${name}`)

/** A directory like that of a template in which everybody may do everything. */
async function openToAll(): Promise<string> {
  const parent = join(fixture.directory, 'open-to-all')
  const directory = join(parent, 'template')
  await mkdir(directory, { recursive: true })
  for (const name of ['state', 'template.json']) {
    await writeFile(join(directory, name), name)
    await chmod(join(directory, name), 0o666)
  }
  for (const path of [parent, directory]) await chmod(path, 0o777)
  return directory
}

test.runIf(process.getuid?.() === 0)(
  'what runs with user, groups, privileges and descriptors of a clone cannot change the template',
  async () => {
    const session = await fixture.open()
    const template = await theTemplate(fixture.templates)
    const statePath = join(template, 'state')
    const [qemu = 0] = await ourQemus()
    const status = await readFile(`/proc/${qemu}/status`, 'utf8')
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1])
    const gid = Number(/^Gid:\t(\d+)/m.exec(status)?.[1])
    expect([uid, gid]).not.toContain(0)
    expect(status).toMatch(/^Groups:\s*$/m)
    const { ino, ctimeNs } = await stat(statePath, { bigint: true })
    const digest = await digestOf(hostPath(statePath))
    // The descriptors that QEMU has inherited and still holds, each opened the way it is there.
    const handles = []
    const stdio: (number | 'ignore' | 'pipe')[] = ['ignore', 'pipe', 'ignore']
    for (const name of (await readdir(`/proc/${qemu}/fd`)).map(Number).sort((one, other) => one - other)) {
      const target = await readlink(`/proc/${qemu}/fd/${name}`).catch(() => '')
      if (name < 3 || !target.startsWith('/') || target.startsWith('/dev/')) continue
      const flags = /^flags:\s+(\d+)/m.exec(await readFile(`/proc/${qemu}/fdinfo/${name}`, 'utf8'))?.[1] ?? '0'
      const handle = await open(`/proc/${qemu}/fd/${name}`, (Number.parseInt(flags, 8) & 3) === 0 ? 'r' : 'r+')
      handles.push(handle)
      stdio.push(handle.fd)
    }
    // QEMU closes the state when it has read it; while it does, a clone could do what it likes with it.
    const state = await open(statePath, 'r')
    stdio.push(state.fd)
    const given = [template, String(process.pid), String(ino), await openToAll()]
    const argv = ['--pdeathsig', 'KILL', '--no-new-privs', '--', 'sh', '-c', attack, 'sh', ...given]
    const attacker = spawn('setpriv', argv, { uid, gid, stdio, cwd: '/' })
    let worked = ''
    attacker.stdout?.on('data', (chunk: Buffer) => (worked += chunk.toString()))
    await once(attacker, 'close')
    for (const handle of [...handles, state]) await handle.close()
    await session.close()
    expect(worked.trim().split('\n')).toEqual(controls)
    expect((await stat(statePath, { bigint: true })).ctimeNs).toBe(ctimeNs)
    expect(await digestOf(hostPath(statePath))).toBe(digest)
    const next = await fixture.open()
    expect(isClone(next)).toBe(true)
    await next.close()
  },
)
