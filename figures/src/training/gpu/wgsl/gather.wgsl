// The images of a batch, unpacked from 4 bits a pixel, mirrored where asked, and normalized; one
// invocation a pixel. How images are stored and named is written in engine.ts.
override side: u32;
override mean: f32;
override deviation: f32;
@group(0) @binding(0) var<storage, read> pixels: array<u32>; // of all images, 8 in a number
@group(0) @binding(1) var<storage, read> all_labels: array<u32>;
@group(0) @binding(2) var<storage, read> batch: array<u32>; // which images: 2 × index + mirrored
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> labels: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= arrayLength(&x)) { return; }
  let area = side * side;
  let place = id.x / area; // in the batch
  let image = batch[place] / 2;
  let column = id.x % side;
  let mirrored = select(column, side - 1 - column, batch[place] % 2 == 1);
  let pixel = image * area + id.x % area - column + mirrored;
  let value = (pixels[pixel / 8] >> (pixel % 8 * 4)) & 15;
  x[id.x] = (f32(value) / 15 - mean) / deviation;
  if (id.x % area == 0) { labels[place] = all_labels[image]; }
}
