import { generatedHeader } from '@host-deployer/formats'

export type FirstBootStage = 'early' | 'late'

/** Where the pieces of a stage are in the guest. */
export const firstBootPaths = (stage: FirstBootStage) => {
  const directory = '/var/lib/host-deployer/first-boot'
  const unit = stage === 'early' ? 'host-deployer-first-boot-early.service' : 'host-deployer-first-boot.service'
  const target = stage === 'early' ? 'sysinit.target' : 'multi-user.target'
  return {
    directory,
    unit,
    unitFile: `/etc/systemd/system/${unit}`,
    enabled: `/etc/systemd/system/${target}.wants/${unit}`,
    runner: `${directory}/${stage}.sh`,
    commands: `${directory}/${stage}-commands.sh`,
    log: '/var/log/host-deployer-first-boot.log',
  }
}

const order: Readonly<Record<FirstBootStage, string>> = {
  // As cloud-init's first stages: file systems are there, no ordinary service and no network manager has started.
  early: `DefaultDependencies=no
Wants=network-pre.target
After=systemd-remount-fs.service local-fs.target systemd-tmpfiles-setup.service
Before=network-pre.target sysinit.target shutdown.target
Conflicts=shutdown.target
`,
  // As cloud-init's final stage.
  late: `Wants=network-online.target
After=network-online.target multi-user.target
`,
}

/** systemd.service(5). No time limit; background processes of the commands live on, as with cloud-init. */
export function renderFirstBootUnit(stage: FirstBootStage): string {
  const { runner, directory } = firstBootPaths(stage)
  const install = stage === 'early' ? 'sysinit.target' : 'multi-user.target'
  return `${generatedHeader('#')}
[Unit]
Description=First boot commands of host-deployer, ${stage}
ConditionPathExists=${runner}
RequiresMountsFor=${directory} /var/log
${order[stage]}
[Service]
Type=oneshot
ExecStart=/bin/sh ${runner}
Environment=HOME=/root
TimeoutStartSec=0
KillMode=process
TasksMax=infinity

[Install]
WantedBy=${install}
`
}
