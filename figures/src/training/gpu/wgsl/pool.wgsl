// What both passes of the 2×2 max pool share: where in the input the four numbers of a window lie.
fn window(i: u32) -> vec4u {
  let side = layer.side_out; // of the pool's input, which is the layer's output
  let half = side / 2;
  let plane = i / (half * half); // a channel of an image
  let corner = (plane * side + i / half % half * 2) * side + i % half * 2;
  return corner + vec4u(0, 1, side, side + 1);
}
