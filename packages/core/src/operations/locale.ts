import { InputError, OperationError } from '@host-deployer/driver-api'
import { guestPath } from '@host-deployer/guest-fs'
import { defineOperation, type StageContext } from '../operation.ts'
import { stageDefaultLocale, stageLang } from '../strategies/locale/default-locale.ts'
import { enableInLocaleGen, isLocaleCompiled } from '../strategies/locale/locale-gen.ts'
import { parseLocaleName } from '../strategies/locale/locale-name.ts'

interface LocaleInput {
  readonly locale: string
  /** `locale_configfile`: written instead of the distribution's file. */
  readonly file: string | undefined
}

/**
 * The default locale. One that is not compiled is enabled in `/etc/locale.gen` and compiled at the first boot: the compiler is a program of the guest.
 * `INPUT_LOCALE_INVALID`, `OPERATION_LOCALE_UNKNOWN` (the image's list of locales lacks it), `OPERATION_LOCALE_UNSUPPORTED`.
 */
export const locale = defineOperation<LocaleInput>({
  id: 'locale',
  after: ['write-files'],
  reads: ['/etc/default/locale', '/etc/locale.conf', '/etc/locale.gen', '/usr/sbin/locale-gen'],
  select: (request) =>
    request.locale === undefined || request.locale === false ? undefined : { locale: request.locale, file: request.locale_configfile },
  stage: async (context) => {
    const { fs, facts, input, profile } = context
    if (profile.locale === 'unsupported') {
      throw new OperationError('OPERATION_LOCALE_UNSUPPORTED', `No way is known to set the locale of ${profile.id}`, {
        hint: 'Leave locale out of the request.',
      })
    }
    await makeAvailable(context)
    if (input.file !== undefined) await stageLang(fs, configFile(input.file), input.locale)
    else if (profile.locale === 'locale-conf') await stageLang(fs, guestPath('/etc/locale.conf'), input.locale)
    else await stageDefaultLocale(fs, input.locale, facts.systemdVersion)
  },
})

function configFile(path: string) {
  if (path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..')) return guestPath(path)
  throw new InputError('INPUT_PATH_INVALID', `locale_configfile is not an absolute path: ${JSON.stringify(path)}`, {
    hint: 'Give an absolute path without "..".',
    context: { path: 'locale_configfile' },
  })
}

async function makeAvailable({ fs, facts, input, profile, firstBoot, diagnose }: StageContext<LocaleInput>): Promise<void> {
  const name = parseLocaleName(input.locale)
  if (name === undefined) {
    throw new InputError('INPUT_LOCALE_INVALID', `Not the name of a locale: ${JSON.stringify(input.locale)}`, {
      hint: 'Use a name such as en_US.UTF-8 or C.UTF-8.',
      context: { path: 'locale' },
    })
  }
  if (await isLocaleCompiled(fs, name)) return
  const result = await enableInLocaleGen(fs, input.locale, name)
  if (result === 'unknown') {
    throw new OperationError('OPERATION_LOCALE_UNKNOWN', `The image supports no locale ${JSON.stringify(input.locale)}`, {
      hint: 'Choose one of /usr/share/i18n/SUPPORTED in the image.',
      context: { locale: input.locale },
    })
  }
  if (result === 'enabled' && profile.services === 'systemd' && facts.initSystem === 'systemd') {
    firstBoot.late(['locale-gen'])
    return
  }
  diagnose({
    severity: 'warning',
    code: 'LOCALE_NOT_COMPILED',
    summary: `The image cannot use ${input.locale} yet: it is set, but not compiled`,
    detail: result === 'enabled' ? 'Run locale-gen in the guest.' : 'The image has no locale-gen; install the package locales.',
    path: '/usr/lib/locale',
  })
}
