import { GuestError } from '@host-deployer/driver-api'
import { describe, expect, test } from 'vitest'
import { distros } from './distros/index.ts'
import { selectProfile } from './select-profile.ts'
import { testFacts } from './testing/test-facts.ts'

describe('selectProfile', () => {
  test.each(distros.map(({ id }) => id))('%s has a profile of its own', (id) => {
    const { profile, diagnostics } = selectProfile(testFacts(`${id}-1`, { idLike: distros.map((distro) => distro.id) }))
    expect([profile.id, diagnostics]).toEqual([id, []])
  })

  test.each([
    [['ubuntu', 'debian'], 'ubuntu'],
    [['debian', 'ubuntu'], 'debian'],
    [['something', 'debian'], 'debian'],
  ])('an unknown one like %j is treated as %s', (idLike, expected) => {
    const { profile, diagnostics } = selectProfile(testFacts('unknown-1', { idLike }))
    expect(profile.id).toBe(expected)
    expect(diagnostics.map(({ code }) => code)).toEqual(['PROFILE_BY_FAMILY'])
  })

  test('no relative at all is refused', () => {
    expect(() => selectProfile(testFacts('plan9-4', { idLike: ['unix'] }))).toThrow(
      expect.objectContaining({ name: GuestError.name, code: 'GUEST_UNSUPPORTED' }) as Error,
    )
  })
})
