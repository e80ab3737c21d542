import { Injectable } from '@nestjs/common';
import { accessSync, constants, statSync } from 'node:fs';
import { SettingsError } from '../../settings/environment.js';
import { Settings } from '../../settings/settings.js';
import { Log } from '../../telemetry/log.js';
import { StateFile, type TakenState } from './state-file.js';
import { type SessionSnapshot } from './state-format.js';

/** Bytes of the details of all sessions that are read, beside those of the frames. */
const DETAILS_BYTES = 268_435_456;
/** Share of the bytes that are read which are written at most, because notices of lost sessions follow the estimate. */
const WRITTEN_SHARE = 0.75;

/** The file in `RESUME_STATE_DIR`, as the settings have it. */
@Injectable()
export class SessionFile {
  readonly maxWrittenBytes: number;
  readonly #file: StateFile | undefined;
  readonly #windowMs: number;

  constructor(
    { resumeStateDir, resumeWindowMs, resumeBudgetBytes }: Settings,
    private readonly log: Log,
  ) {
    // Frames are in base64, a third longer than in memory.
    const maxBytes = resumeBudgetBytes * 2 + DETAILS_BYTES;
    this.maxWrittenBytes = maxBytes * WRITTEN_SHARE;
    this.#windowMs = resumeWindowMs;
    this.#file = resumeStateDir === undefined ? undefined : new StateFile(resumeStateDir, maxBytes);
  }

  /** Whether sessions may be written. */
  get isOn(): boolean {
    return this.#file !== undefined && this.#windowMs > 0;
  }

  get path(): string | undefined {
    return this.#file?.path;
  }

  /** Writes sessions as {@link StateFile.write} does. @param deadlineMs when to give up, by `performance.now()` */
  async write(nodeId: string, snapshots: readonly SessionSnapshot[], deadlineMs: number): Promise<number> {
    const header = { savedAtMs: Date.now(), nodeId, sessions: snapshots.length };
    const onLeftover = ({ message }: Error): void =>
      this.log.warn(
        'temporary file of saved sessions not removed: remove files that end with ~ from RESUME_STATE_DIR',
        {
          reason: message,
          file: this.path,
        },
      );
    return this.#file!.write(header, snapshots, { maxAgeMs: this.#windowMs, deadlineMs, onLeftover });
  }

  /** Takes the file of a former process as {@link StateFile.take} does; also where the sessions could not come back. */
  async take(): Promise<TakenState | undefined> {
    return this.#file?.take(this.#windowMs);
  }
}

/**
 * Checks the folder of `RESUME_STATE_DIR`.
 *
 * @throws {SettingsError} where this process cannot read or write there
 */
export function checkStateFolder({ resumeStateDir }: Settings): void {
  if (resumeStateDir === undefined) return;
  try {
    if (!statSync(resumeStateDir).isDirectory()) throw new Error('it is not a folder');
    accessSync(resumeStateDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = (error as Error).message;
    throw new SettingsError([
      `RESUME_STATE_DIR cannot be used (${reason}): create the folder ${resumeStateDir}, and let the user of this process read and write it`,
    ]);
  }
}
