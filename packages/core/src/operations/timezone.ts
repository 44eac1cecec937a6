import { InputError, OperationError } from '@host-deployer/driver-api'
import { guestPath } from '@host-deployer/guest-fs'
import { defineOperation, type StageContext } from '../operation.ts'
import { stageEtcLocaltime, stageEtcTimezone } from '../strategies/timezone/etc-localtime.ts'

/**
 * The system's time zone. `INPUT_TIMEZONE_INVALID` for something that cannot be a zone's name, `OPERATION_TIMEZONE_UNKNOWN` when the image's zone
 * database lacks it, `OPERATION_TIMEZONE_UNSUPPORTED`. An image without any zone database gets the link and a diagnostic: it keeps UTC until
 * tzdata is installed.
 */
export const timezone = defineOperation<string>({
  id: 'timezone',
  after: ['write-files'],
  reads: ['/etc/timezone', '/etc/localtime', '/usr/share/zoneinfo/UTC'],
  select: (request) => request.timezone,
  stage: async (context) => {
    const { fs, input: zone, profile } = context
    if (profile.timezone === 'unsupported') {
      throw new OperationError('OPERATION_TIMEZONE_UNSUPPORTED', `No way is known to set the time zone of ${profile.id}`, {
        hint: 'Leave timezone out of the request.',
      })
    }
    await checkZone(context)
    await stageEtcLocaltime(fs, zone)
    if (profile.timezone === 'etc-localtime-and-etc-timezone') await stageEtcTimezone(fs, zone)
  },
})

async function checkZone({ fs, input: zone, diagnose }: StageContext<string>): Promise<void> {
  if (!/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(zone)) {
    throw new InputError('INPUT_TIMEZONE_INVALID', `Not the name of a time zone: ${JSON.stringify(zone)}`, {
      hint: 'Use a name of the zone database: Europe/Berlin, Etc/UTC.',
      context: { path: 'timezone' },
    })
  }
  const database = guestPath('/usr/share/zoneinfo')
  if (!(await fs.exists(database))) {
    diagnose({
      severity: 'warning',
      code: 'TIMEZONE_DATABASE_ABSENT',
      summary: `The image has no time zone database; ${zone} takes effect once tzdata is installed`,
      path: database,
    })
    return
  }
  const file = guestPath(`${database}/${zone}`)
  if ((await fs.exists(file)) && (await fs.stat(file)).type === 'file') return
  throw new OperationError('OPERATION_TIMEZONE_UNKNOWN', `The image's zone database has no ${JSON.stringify(zone)}`, {
    hint: 'Check the spelling (Area/City). Newer releases keep old aliases such as US/Eastern in the package tzdata-legacy.',
    context: { timezone: zone },
  })
}
