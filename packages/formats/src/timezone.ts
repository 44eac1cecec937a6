/**
 * True for a name of the time zone database as it may stand below `/usr/share/zoneinfo`: relative, plain segments, no `.` or `..`:
 * `Europe/Berlin`, `America/Argentina/Ushuaia`, `Etc/GMT+3`, `UTC`. Says nothing about whether the guest has such a zone.
 */
export function isTimezoneName(name: string): boolean {
  return name.length <= 64 && /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,3}$/.test(name)
}

/** The zone that a link at `/etc/localtime` names, `undefined` when it points elsewhere. Relative and absolute targets alike. */
export function timezoneOfLink(target: string): string | undefined {
  const name = /^(?:\.\.\/|\/)+usr\/share\/zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(target)?.[1]
  return name !== undefined && isTimezoneName(name) ? name : undefined
}
