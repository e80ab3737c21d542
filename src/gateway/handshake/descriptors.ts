/** The part of the descriptors that connections may take; the rest is for files, half-open handshakes and the log. */
const SHARE = 0.9;

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
}

/** Connections that the operating system's descriptor limit leaves room for; 0 where it names none. */
export function connectionsByDescriptors(): number {
  const soft = (process.report.getReport() as Report).userLimits?.open_files?.soft;
  return typeof soft === 'number' ? Math.floor(soft * SHARE) : 0;
}
