/** Calls once when nothing has been heard for a while. */
export interface SilenceWatch {
  /** Something was heard. */
  heard(): void
  /** Stops watching. */
  stop(): void
}

/** Starts listening: `onSilence` is called after `silenceMs` without {@link SilenceWatch.heard}. */
export function watchSilence(silenceMs: number, onSilence: () => void): SilenceWatch {
  const timer = setTimeout(onSilence, silenceMs)
  return { heard: () => void timer.refresh(), stop: () => clearTimeout(timer) }
}
