/** Of WebGPU's types those that the engine uses; TypeScript's own library has none yet. */
interface Navigator {
  readonly gpu?: { requestAdapter(options?: { powerPreference?: "high-performance" }): Promise<GPUAdapter | null> };
}

interface GPUAdapter {
  readonly isFallbackAdapter?: boolean; // where `info` does not say it yet
  readonly info?: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter?: boolean;
  };
  requestDevice(): Promise<GPUDevice>;
}

interface GPUDevice extends EventTarget {
  readonly lost: Promise<{ reason: string; message: string }>;
  readonly queue: GPUQueue;
  createBuffer(descriptor: { label?: string; size: number; usage: number }): GPUBuffer;
  createShaderModule(descriptor: { label?: string; code: string }): GPUShaderModule;
  createComputePipelineAsync(descriptor: {
    label?: string;
    layout: "auto";
    compute: { module: GPUShaderModule; constants?: Record<string, number> };
  }): Promise<GPUComputePipeline>;
  createBindGroup(descriptor: {
    layout: GPUBindGroupLayout;
    entries: { binding: number; resource: { buffer: GPUBuffer } }[];
  }): GPUBindGroup;
  createCommandEncoder(): GPUCommandEncoder;
  pushErrorScope(filter: "validation" | "out-of-memory" | "internal"): void;
  popErrorScope(): Promise<GPUError | null>;
  destroy(): void;
}

interface GPUError {
  readonly message: string;
}

interface GPUUncapturedErrorEvent extends Event {
  readonly error: GPUError;
}

interface GPUBuffer {
  readonly size: number;
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  destroy(): void;
}

interface GPUShaderModule {
  readonly label: string;
}

interface GPUBindGroupLayout {
  readonly label: string;
}

interface GPUBindGroup {
  readonly label: string;
}

interface GPUComputePipeline {
  getBindGroupLayout(index: number): GPUBindGroupLayout;
}

interface GPUComputePass {
  setPipeline(pipeline: GPUComputePipeline): void;
  setBindGroup(index: number, group: GPUBindGroup): void;
  dispatchWorkgroups(x: number, y?: number, z?: number): void;
  end(): void;
}

interface GPUCommandEncoder {
  beginComputePass(): GPUComputePass;
  copyBufferToBuffer(source: GPUBuffer, at: number, target: GPUBuffer, place: number, size: number): void;
  finish(): GPUCommandBuffer;
}

interface GPUCommandBuffer {
  readonly label: string;
}

interface GPUQueue {
  writeBuffer(buffer: GPUBuffer, offset: number, data: ArrayBufferView): void;
  submit(commands: GPUCommandBuffer[]): void;
}

declare const GPUBufferUsage: Record<"MAP_READ" | "COPY_SRC" | "COPY_DST" | "UNIFORM" | "STORAGE", number>;
declare const GPUMapMode: Record<"READ", number>;
