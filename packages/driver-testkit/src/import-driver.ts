import type { Driver } from '@host-deployer/driver-api'

/** Loads the `driver` a module exports. Rejects when there is none or the module cannot be imported. */
export async function importDriver(module: URL): Promise<Driver> {
  const { driver } = (await import(/* @vite-ignore */ module.href)) as { readonly driver?: Driver }
  if (typeof driver?.open !== 'function') throw new TypeError(`${module.href} exports no driver`)
  return driver
}
