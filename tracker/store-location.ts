import { join } from 'node:path'

/** Where a tracker's metadata is: at a Redis URL, or in the embedded Redis of a data folder. */
export interface StorePlace {
  redis?: string
  dataFolder: string
}

export const embeddedFolder = (dataFolder: string): string => join(dataFolder, 'redis')
