import { type Capabilities, type Diagnostic, DriverError, type ToolHost } from '@host-deployer/driver-api'

/** What a stock appliance can do besides mounting. */
export interface StockTools {
  readonly capabilities: Pick<Capabilities, 'lvm' | 'xattrs'>
  readonly diagnostics: readonly Diagnostic[]
}

/** Without these nothing can be found or mounted; util-linux has them, busybox has no lsblk and no probing blkid. */
const NEEDED = ['lsblk', 'blkid', 'blockdev', 'mount', 'umount']

// The getfattr of busybox prints values as they are; only attr's own is of use.
const SCRIPT = `
for t in "$@"; do command -v "$t" >/dev/null 2>&1 || echo "missing $t"; done
command -v lvm >/dev/null 2>&1 && echo lvm
case "$(getfattr --version 2>&1)" in 'getfattr 2'*) command -v setfattr >/dev/null 2>&1 && echo xattrs;; esac
lsblk --json --version >/dev/null 2>&1 || echo 'missing lsblk of util-linux'
exit 0
`

/** Looks for the tools of a stock appliance. `APPLIANCE_TOOL_MISSING` names those it cannot do without. */
export async function findStockTools({ exec }: ToolHost): Promise<StockTools> {
  const { stdout } = await exec(['sh', '-c', SCRIPT, 'sh', ...NEEDED])
  const lines = Buffer.from(stdout).toString().trim().split('\n')
  const missing = lines.flatMap((line) => (line.startsWith('missing ') ? [line.slice(8)] : []))
  if (missing.length > 0) {
    throw new DriverError('APPLIANCE_TOOL_MISSING', `The stock appliance lacks ${missing.join(', ')}`, {
      hint: 'Use an initramfs that has util-linux, or our own appliance (host-deployer appliance build) without the driver option stock.',
      context: { missing },
    })
  }
  const xattrs = lines.includes('xattrs')
  const detail =
    'It has no getfattr and setfattr. SELinux labels and file capabilities of files that are replaced are lost; a guest that enforces SELinux needs to be relabelled.'
  const noXattrs: Diagnostic = {
    severity: 'warning',
    code: 'APPLIANCE_NO_XATTRS',
    summary: 'The stock appliance cannot keep extended attributes',
    detail,
  }
  return { capabilities: { lvm: lines.includes('lvm'), xattrs }, diagnostics: xattrs ? [] : [noXattrs] }
}
