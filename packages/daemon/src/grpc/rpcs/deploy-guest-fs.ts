import type { DeployGuestFsResponse, DeployInfo, DeployParams } from '@host-deployer/api/grpc'
import { InputError } from '@host-deployer/driver-api'
import type { Job, JobReports } from '../../work/job.ts'
import { imageOfDisk } from '../image-of-disk.ts'
import { requestOfDeploy } from '../map-deploy.ts'
import { publicKeyLines } from '../public-key-line.ts'
import { encryptForClient, longestPasswordBytes } from '../return-secret.ts'
import { type Handler, hasNoSystem, logFindings, type Rpc } from '../rpc.ts'
import { unsupportedUnlessEmpty } from '../unsupported-guest.ts'
import { osTypeOf, releaseOf } from '../wire-facts.ts'

/**
 * Makes the guest what the request says, and returns what it is and, when a password was set, whose, with the password encrypted. A first deploy of a disk
 * with nothing on it succeeds with an empty answer: so clients create machines from empty disks.
 */
export const deployGuestFs: Handler<DeployParams, DeployGuestFsResponse> = async (params, rpc) => {
  const image = imageOfDisk({ disk: params.disk_info, guest: params.guest_desc })
  const { request, diagnostics } = requestOfDeploy(params, rpc.config)
  // Before the work: a key that nothing can be encrypted with must not leave an image behind whose password nobody knows.
  const key = encryptedPassword(params)
  logFindings(rpc, diagnostics)
  const report = await runDeploy({ kind: 'deploy', image, request }, params.deploy_info, rpc)
  if (report === undefined) return emptyAnswer
  const account = key === undefined ? null : report.loginAccount
  return {
    ...emptyAnswer,
    ...releaseOf(report.facts.os),
    os: osTypeOf(report.facts.os),
    ...(account !== null && key !== undefined && { account, key }),
  }
}

type DeployJob = Extract<Job, { kind: 'deploy' }>

async function runDeploy(job: DeployJob, info: DeployInfo | null, rpc: Rpc): Promise<JobReports['deploy'] | undefined> {
  try {
    return await rpc.run<'deploy'>(job)
  } catch (error) {
    if (info?.is_init !== true || !hasNoSystem(error)) throw error
    const foreign = unsupportedUnlessEmpty(error)
    if (foreign !== error) throw foreign
    rpc.countDeployWithoutSystem()
    rpc.logger.warn('rpc.without-system', { image: job.image.path })
    return undefined
  }
}

function encryptedPassword({ deploy_info: info, guest_desc: guest }: DeployParams): string | undefined {
  if (info === null || info.password === '') return undefined
  const [publicKey] = publicKeyLines(info.public_key?.public_key ?? '', 'deploy_info.public_key.public_key')
  const longest = longestPasswordBytes(publicKey)
  if (longest !== undefined && Buffer.byteLength(info.password) > longest) {
    throw new InputError('INPUT_PASSWORD_INVALID', 'deploy_info.password: is longer than the public key can carry', {
      hint: 'Give a shorter password or a longer key.',
      context: { path: 'deploy_info.password' },
    })
  }
  const uuid = guest?.uuid ?? ''
  // The filling of the cipher's key would be all of it, and anybody has that.
  if (publicKey === undefined && uuid === '') {
    throw new InputError('INPUT_INVALID', 'guest_desc.uuid: is missing, and the password that is returned is encrypted with it', {
      hint: "Give the machine's uuid, or a public key.",
      context: { path: 'guest_desc.uuid' },
    })
  }
  return encryptForClient(info.password, { uuid, ...(publicKey && { publicKey }) })
}

const emptyAnswer: DeployGuestFsResponse = {
  distro: '',
  version: '',
  arch: '',
  language: '',
  os: '',
  account: '',
  key: '',
  telegraf_deployed: false,
  current_version: '',
}
