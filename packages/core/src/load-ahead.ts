/**
 * Loads all code that `deploy`, `probe`, `grow` and `format` load when they need it: for a process that waits for its work, and has nothing better to do
 * meanwhile.
 */
export async function loadAhead(): Promise<void> {
  await Promise.all([
    import('@host-deployer/block'),
    import('@host-deployer/guest-fs'),
    import('@host-deployer/os-detect'),
    import('./change-guest.ts'),
    import('./build-report.ts'),
  ])
}
