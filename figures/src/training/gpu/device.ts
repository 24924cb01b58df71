/** The reader's GPU, or a sentence that says why there is none to train on. */

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render/i;

/** What a browser tells of its GPU, which may be nothing. */
function nameOf({ info }: GPUAdapter): string {
  const words = [info?.vendor, info?.architecture, info?.device, info?.description].filter(Boolean);
  return [...new Set(words)].join(" ");
}

/** The device, and the name of what does the work. */
export async function openDevice(software: boolean): Promise<{ device: GPUDevice; name: string } | string> {
  if (!navigator.gpu)
    return isSecureContext ? "This browser has no WebGPU." : "A browser offers WebGPU only to pages opened by https.";
  try {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return "This browser has WebGPU, but no GPU for it.";
    const name = nameOf(adapter);
    const fallback = adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter;
    if (!software && (fallback || SOFTWARE.test(name)))
      return `This browser's WebGPU runs in software${name && ` (${name})`}, not on a GPU.`;
    return { device: await adapter.requestDevice(), name: ["WebGPU", name].filter(Boolean).join(", ") };
  } catch (error) {
    return `The GPU did not start: ${error instanceof Error ? error.message : error}`;
  }
}
