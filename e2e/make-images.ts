// The gate's step before the e2e tests: what they boot is in the cache, so that no test's time goes into making it.
import { ensureAppliance } from './lib/appliance.ts'
import { ensureImage } from './lib/build-image.ts'
import { type ImageName, imageDefinitions } from './lib/image-definitions.ts'
import { ensureNbdMachine } from './lib/nbd-machine/build-machine.ts'

const log = (line: string): void => console.log(line)
await ensureAppliance(log)
for (const name of Object.keys(imageDefinitions) as ImageName[]) await ensureImage(name, log)
await ensureNbdMachine(log)
