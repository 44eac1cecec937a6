import { generatedHeader } from '@host-deployer/formats'
import { type FirstBootStage, firstBootPaths } from './render-unit.ts'

/**
 * The script that the unit starts. It removes what would start it again, and the commands themselves, before the first of them runs: a crash or a reboot
 * half way never repeats one, and no secret in them stays on the disk. The unit file goes last: systemd forgets that a running unit has no time limit
 * when the file is missing at a reload.
 */
export function renderFirstBootRunner(stage: FirstBootStage): string {
  const { directory, unitFile, enabled, runner, commands, log } = firstBootPaths(stage)
  return `#!/bin/sh
${generatedHeader('#')}# Runs the ${stage} first boot commands once and removes itself.

finish() {
  rm -f ${unitFile}
  rmdir ${directory} ${parentOf(directory)} 2>/dev/null
}

exec 3<${commands} || exit 1
rm -f ${enabled} ${runner} ${commands}
sync

trap finish EXIT
trap 'exit 143' TERM INT HUP

(umask 027 && : >>${log})
echo "host-deployer: ${stage} first boot commands start at $(date -u +%Y-%m-%dT%H:%M:%SZ)" >>${log}
# In the background, so that a shutdown asked for by a command interrupts the wait and not the clean-up.
/bin/sh /proc/self/fd/3 </dev/null >>${log} 2>&1 &
wait $!
status=$?
echo "host-deployer: ${stage} first boot commands end with status $status" >>${log}
exit $status
`
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'))
