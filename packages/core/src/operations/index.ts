import type { Operation } from '../operation.ts'
import { cloudInit } from './cloud-init.ts'
import { firstBoot } from './first-boot.ts'
import { groupMembers } from './group-members.ts'
import { groups } from './groups.ts'
import { hostname } from './hostname.ts'
import { hosts } from './hosts.ts'
import { locale } from './locale.ts'
import { loginAccount } from './login-account.ts'
import { mounts } from './mounts.ts'
import { network } from './network.ts'
import { password } from './password.ts'
import { seal } from './seal.ts'
import { selinux } from './selinux.ts'
import { sshKeys } from './ssh-keys.ts'
import { sshServer } from './ssh-server.ts'
import { sudo } from './sudo.ts'
import { timezone } from './timezone.ts'
import { users } from './users.ts'
import { writeFiles, writeFilesDeferred } from './write-files.ts'

/** Every operation there is, in the order they run unless `after` says otherwise. */
export const operations: readonly Operation[] = [
  network,
  writeFiles,
  hostname,
  hosts,
  timezone,
  locale,
  groups,
  users,
  groupMembers,
  password,
  sudo,
  sshKeys,
  sshServer,
  loginAccount,
  writeFilesDeferred,
  mounts,
  selinux,
  cloudInit,
  seal,
  firstBoot,
]
