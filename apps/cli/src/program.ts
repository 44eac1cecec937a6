import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { isFieldCommandLine } from './field-command-line.ts'

// Each command's code is loaded when it is called: `--help` and a usage error cost nothing.

const json = () => new Option('--json', 'print exactly one JSON document on standard output')
const driver = () => new Option('--driver <name>', 'driver name, package or path').default('qemu-initramfs')
const driverConfig = () => new Option('--driver-config <file>', 'a JSON file with options of the driver')
const format = () => new Option('--format <format>', 'the image format instead of detecting it').choices(['raw', 'qcow2'])
const allowPath = () =>
  new Option('--allow-path <dir>', 'a directory that backing files may lie in (repeatable)')
    .argParser(collect)
    .default([], 'the image directory')
const rootDevice = () => new Option('--root-device <device>', 'which file system is the root, when there are several: /dev/sda2, UUID=…')
const appliance = () => new Option('--appliance <dir>', 'the appliance directory (default: where `appliance build` puts it)')
const trustImage = () =>
  new Option('--trust-image', "let a driver without a VM (nbd) hand the image to this machine's kernel: only for images of your own")
const stateDirectory = () =>
  new Option(
    '--state-directory <dir>',
    "where the leases are: a daemon's is /var/lib/host-deployer unless configured (default: this user's own)",
  )
const timeout = () => new Option('--timeout <seconds>', 'give up after this long').argParser(positive)
const keep = () =>
  new Option(
    '--keep-on-failure',
    'keep console log, traces and the overlay of a failed run, and say where (a deploy that is no dry run has no overlay: it writes to the image itself)',
  )
const verbose = () => new Option('-v, --verbose', 'log what happens to standard error')

const program = new Command('host-deployer')
  .description('Prepares and inspects virtual machine disk images while the machine is off.')
  .version((JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(add --help for the options)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  $ host-deployer probe debian-12.qcow2
  $ host-deployer deploy debian-12.qcow2 --user-data user-data.yaml --hostname web1
  $ host-deployer deploy debian-12.qcow2 --seed ./seed --grow --dry-run
  $ host-deployer format data.qcow2 --filesystem ext4
  $ host-deployer doctor

Exit codes: 0 done, 1 a fault of ours, 2 bad input or usage, 3 image refused or locked, 4 no driver works here,
5 no supported guest found, 6 an operation failed, 7 timed out or cancelled.`,
  )

/** The argument and options of every command that opens an image, after its own. */
function onImage(command: Command, place: readonly Option[] = [rootDevice()]): Command {
  command.argument('<image>', 'a raw or qcow2 image, or a block device')
  const driverFlags = [driver(), driverConfig(), trustImage(), appliance()]
  for (const option of [format(), allowPath(), ...place, ...driverFlags, timeout(), keep(), json(), verbose()]) command.addOption(option)
  return command
}

onImage(
  program
    .command('deploy')
    .description('make the guest in an image what a cloud-config says')
    .option('--seed <dir>', 'a NoCloud seed: user-data, meta-data, network-config')
    .option('--user-data <file>', 'a cloud-config file')
    .option('--network-config <file>', 'network configuration, version 1 or 2')
    .option('--meta-data <file>', 'instance-id, local-hostname, public-keys')
    .option('--hostname <name>', 'host name, or fully qualified name')
    .option('--root-password-file <file>', "a file whose first line is root's password (- for standard input)")
    .option('--ssh-key <file>', 'public keys for the default user, as `ssh_authorized_keys` (repeatable)', collect)
    .option('--grow', 'let the root partition and file system fill the disk')
    .addOption(
      new Option('--cloud-init <mode>', 'what to do about a cloud-init inside the image')
        .choices(['keep', 'disable', 'delegate'])
        .default('keep'),
    )
    .option('--ignore-unsupported', 'report unknown or unsupported keys instead of refusing them')
    .option('--dry-run', 'show the diff, write nothing'),
)
  .addHelpText(
    'after',
    `
Examples:
  $ host-deployer deploy web1.qcow2 --user-data web.yaml --grow
  $ host-deployer deploy web1.qcow2 --hostname web1.example.org --ssh-key ~/.ssh/id_ed25519.pub
  $ host-deployer deploy web1.qcow2 --seed ./nocloud --dry-run
  $ host-deployer deploy web1.qcow2 --user-data web.yaml --json | jq '.operations'`,
  )
  .action(async (image, options) => (await import('./commands/deploy.ts')).deployCommand(image, options))

onImage(program.command('probe').description('find out what is in an image, without changing it'))
  .addHelpText('after', '\nExample:\n  $ host-deployer probe debian-12.qcow2 --json | jq .os')
  .action(async (image, options) => (await import('./commands/probe.ts')).probeCommand(image, options))

onImage(
  program
    .command('format')
    .description('make a disk with one partition and one file system of an image; what was on it is lost')
    .addOption(
      new Option('--filesystem <type>', 'what the disk gets')
        .choices(['ext2', 'ext3', 'ext4', 'xfs', 'f2fs', 'swap'])
        .makeOptionMandatory(),
    )
    .option('--uuid <uuid>', 'UUID of the file system (default: a new one)')
    .option('--label <label>', 'label of the file system')
    .option('--case-insensitive', 'ext4, f2fs: let directories ignore the case of names')
    .addOption(new Option('--reserved-blocks <percent>', 'ext: space kept for root').argParser(percent))
    .addOption(new Option('--overprovision <percent>', 'f2fs: space kept for the file system itself').argParser(percent))
    .option('--force', 'format a disk that has something on it, too'),
  [],
)
  .addHelpText(
    'after',
    `
Examples:
  $ host-deployer format data.qcow2 --filesystem ext4 --label data
  $ host-deployer format data.qcow2 --filesystem xfs --uuid 5c2ac0ad-7ffd-4a5c-9fc5-8a3a5d7a1b6e
  $ host-deployer format used.qcow2 --filesystem swap --force --json | jq .filesystem`,
  )
  .action(async (image, options) => (await import('./commands/format.ts')).formatCommand(image, options))

onImage(program.command('grow').description('let what is on a disk that has become larger fill it, operating system or not'), [
  new Option(
    '--root-device <device>',
    'what grows, when there are several logical volumes and none of them holds a root: /dev/vg/data, UUID=…',
  ),
])
  .addHelpText(
    'after',
    `
The last partition grows, and the file system, swap or logical volume in it. Nothing to grow is a success.

Examples:
  $ qemu-img resize data.qcow2 +10G && host-deployer grow data.qcow2
  $ host-deployer grow data.qcow2 --json | jq .steps`,
  )
  .action(async (image, options) => (await import('./commands/grow.ts')).growCommand(image, options))

onImage(
  program
    .command('seal')
    .description('take the identity out of a guest, so that machines can be made of its image')
    .option('--dry-run', 'show the diff, write nothing'),
)
  .addHelpText('after', '\nExamples:\n  $ host-deployer seal golden.qcow2 --dry-run\n  $ host-deployer seal golden.qcow2')
  .action(async (image, options) => (await import('./commands/seal.ts')).sealCommand(image, options))

program
  .command('drivers')
  .argument('[driver...]', 'names, packages or paths (default: those of this project)')
  .description('show drivers: package, version, path, what each can do, whether it works here and what is missing')
  .addOption(appliance())
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  $ host-deployer drivers\n  $ host-deployer drivers ./my-driver.js @somebody/their-driver --json')
  .action(async (drivers, options) => (await import('./commands/drivers.ts')).driversCommand(drivers, options))

program
  .command('doctor')
  .description('look at everything a deploy needs on this machine, and say how to mend what is missing')
  .addOption(driver())
  .addOption(driverConfig())
  .addOption(appliance())
  .addOption(stateDirectory())
  .addOption(json())
  .addHelpText('after', '\nExample:\n  $ host-deployer doctor --json')
  .action(async (options) => (await import('./commands/doctor.ts')).doctorCommand(options))

program
  .command('reclaim')
  .description('release what a killed run left on this machine, and nothing else')
  .addOption(stateDirectory())
  .addOption(json())
  .addHelpText(
    'after',
    '\nExit code 6 when something could not be released.\n\nExamples:\n  $ host-deployer reclaim\n  $ host-deployer reclaim --state-directory /var/lib/host-deployer',
  )
  .action(async (options) => (await import('./commands/reclaim.ts')).reclaimCommand(options))

const onDaemon = (command: Command) =>
  command
    .option('--socket <path>', "the daemon's admin socket (default: /var/lib/host-deployer/admin.sock)")
    .option('--config <file>', 'take the socket from this host.conf, which the daemon was started with')
    .option('--settings <file>', 'or from these settings of our own')

onDaemon(program.command('status').description('what the daemon of this machine does: jobs, slots, template, last failures'))
  .option('--live', 'only say whether it is alive: 503 and exit code 1 mean that it should be restarted')
  .option('--ready', 'only say whether it takes jobs')
  .addOption(json())
  .addHelpText(
    'after',
    '\nExit code 0 when it is alive and ready (or what was asked for), 1 when not.\n\nExamples:\n  $ host-deployer status\n  $ host-deployer status --ready',
  )
  .action(async (options) => (await import('./commands/status.ts')).statusCommand(options))

onDaemon(program.command('metrics').description("print the daemon's metrics in Prometheus' text format"))
  .addHelpText('after', '\nExample:\n  $ host-deployer metrics | grep host_deployer_')
  .action(async (options) => (await import('./commands/metrics.ts')).metricsCommand(options))

program
  .command('serve')
  .description('run the daemon: gRPC on a unix socket, as the platform asks for it')
  .argument('[options...]', '--config, --settings, and every setting as a flag; see `config explain`')
  .allowUnknownOption()
  .addHelpText(
    'after',
    "\nSIGTERM lets running jobs end; a second one cancels them. The command line of the platform's own program (options, no verb) means this, too.\n\nExample:\n  $ host-deployer serve --config /etc/yunion/host.conf",
  )
  .action(async (_words, _options, command: Command) => {
    const form = isFieldCommandLine(process.argv.slice(2)) ? 'field' : 'serve'
    await (await import('./commands/serve.ts')).serveCommand(command.args, form, program.version() ?? '')
  })

program
  .command('config')
  .description('the configuration of the daemon')
  .command('explain')
  .description('show every value of the configuration, where it comes from and what it overrides; takes the options of `serve`')
  .argument('[options...]', '--config, --settings, and every setting as a flag, as `serve` takes them')
  .allowUnknownOption()
  .addOption(json())
  .addHelpText(
    'after',
    '\nExamples:\n  $ host-deployer config explain\n  $ host-deployer config explain --config /etc/yunion/host.conf --json | jq .values',
  )
  .action(async (_words, options, command: Command) =>
    (await import('./commands/config-explain.ts')).configExplainCommand(command.args, options),
  )

const appliances = program.command('appliance').description('the kernel and initramfs that the qemu-initramfs driver boots')
appliances
  .command('build')
  .description("build it from Debian packages, through this machine's apt configuration")
  .option('--refresh', 'take what the mirrors have today: security updates; without it the packages of the last build are used again')
  .addOption(appliance())
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  $ host-deployer appliance build\n  $ host-deployer appliance build --refresh')
  .action(async (options) => (await import('./commands/appliance.ts')).applianceBuildCommand(options))
appliances
  .command('info')
  .description('what is installed: versions, sizes, packages')
  .addOption(appliance())
  .addOption(json())
  .addHelpText('after', '\nExample:\n  $ host-deployer appliance info --json | jq .packages')
  .action(async (options) => (await import('./commands/appliance.ts')).applianceInfoCommand(options))
appliances
  .command('install')
  .argument('<source>', 'a directory or archive made by `appliance build`')
  .description('put another appliance in place of the installed one')
  .addOption(appliance())
  .addOption(json())
  .addHelpText('after', '\nExample:\n  $ host-deployer appliance install ./appliance.tar.zst')
  .action(async (source, options) => (await import('./commands/appliance.ts')).applianceInstallCommand(source, options))
appliances
  .command('warm')
  .description('boot it once and save that VM: sessions are clones of it, the first one too')
  .option('--hold', 'keep its memory for clones to share until this command is ended (Ctrl-C, SIGTERM), as a daemon does')
  .addOption(driver())
  .addOption(driverConfig())
  .addOption(appliance())
  .addOption(timeout())
  .addOption(json())
  .addOption(verbose())
  .addHelpText('after', '\nExample:\n  $ host-deployer appliance warm\n  $ host-deployer appliance warm --hold')
  .action(async (options) => (await import('./commands/warm.ts')).applianceWarmCommand(options))

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}

function positive(value: string): number {
  const number = Number(value)
  if (!(number > 0)) throw new CommanderError(2, 'commander.invalidArgument', `error: not a positive number: ${value}`)
  return number
}

function percent(value: string): number {
  const number = Number(value)
  if (value.trim() === '' || !(number >= 0 && number <= 100))
    throw new CommanderError(2, 'commander.invalidArgument', `error: not a percentage: ${value}`)
  return number
}

try {
  const words = process.argv.slice(2)
  await program.parseAsync(isFieldCommandLine(words) ? ['serve', ...words] : words, { from: 'user' })
} catch (error) {
  const json = process.argv.includes('--json')
  if (!(error instanceof CommanderError)) process.exitCode = await (await import('./report-failure.ts')).reportFailure(error, json)
  else if (error.exitCode === 0) process.exitCode = 0
  else process.exitCode = json ? await (await import('./usage-error.ts')).reportUsageError(error) : 2
}
