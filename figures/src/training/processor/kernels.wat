;; The sums and products of which training consists, on four numbers at a time.
;;
;; A v128 is a register of four float32; f32x4.mul multiplies four pairs at once. Addresses are in
;; bytes, and a number has 4. A matrix lies row by row; the pitch is the distance between two rows.
;; The caller pads: the number of columns and of a vector's entries is a multiple of 8 (what is
;; added to fill them up is 0), the number of outputs and the depth are multiples of 4.
(module
  (memory (import "env" "memory") 1)

  ;; y[o][p] = b[o] + Σ_k w[o][k]·x[k][p]: a 1×1 convolution, if p counts the pixels of all images,
  ;; k the channels of the input, and o those of the output. Four outputs at eight positions are
  ;; summed in eight registers, so that a number, once loaded, is used four or eight times.
  ;; The outputs are the inner loop: the eight columns of x that it reads again stay in the cache.
  (func (export "multiply")
    (param $w i32) (param $x i32) (param $b i32) (param $y i32)
    (param $outputs i32) (param $depth i32) (param $columns i32) (param $xPitch i32) (param $yPitch i32)
    (local $row i32) (local $o i32) (local $k i32)
    (local $wo i32) (local $bo i32) (local $yo i32) (local $wk i32) (local $xk i32)
    (local $left v128) (local $right v128) (local $weight v128)
    (local $a0 v128) (local $a1 v128) (local $b0 v128) (local $b1 v128)
    (local $c0 v128) (local $c1 v128) (local $d0 v128) (local $d1 v128)
    (local.set $row (i32.shl (local.get $depth) (i32.const 2))) ;; bytes of a row of w
    (loop $eightPositions
      (local.set $wo (local.get $w))
      (local.set $bo (local.get $b))
      (local.set $yo (local.get $y))
      (local.set $o (local.get $outputs))
      (loop $fourOutputs
        (local.set $a1 (local.tee $a0 (v128.load32_splat (local.get $bo))))
        (local.set $b1 (local.tee $b0 (v128.load32_splat offset=4 (local.get $bo))))
        (local.set $c1 (local.tee $c0 (v128.load32_splat offset=8 (local.get $bo))))
        (local.set $d1 (local.tee $d0 (v128.load32_splat offset=12 (local.get $bo))))
        (local.set $wk (local.get $wo))
        (local.set $xk (local.get $x))
        (local.set $k (local.get $depth))
        (loop $sum
          (local.set $left (v128.load (local.get $xk)))
          (local.set $right (v128.load offset=16 (local.get $xk)))
          (local.set $weight (v128.load32_splat (local.get $wk)))
          (local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $weight) (local.get $left))))
          (local.set $a1 (f32x4.add (local.get $a1) (f32x4.mul (local.get $weight) (local.get $right))))
          (local.set $weight (v128.load32_splat (i32.add (local.get $wk) (local.get $row))))
          (local.set $b0 (f32x4.add (local.get $b0) (f32x4.mul (local.get $weight) (local.get $left))))
          (local.set $b1 (f32x4.add (local.get $b1) (f32x4.mul (local.get $weight) (local.get $right))))
          (local.set $weight (v128.load32_splat (i32.add (local.get $wk) (i32.shl (local.get $row) (i32.const 1)))))
          (local.set $c0 (f32x4.add (local.get $c0) (f32x4.mul (local.get $weight) (local.get $left))))
          (local.set $c1 (f32x4.add (local.get $c1) (f32x4.mul (local.get $weight) (local.get $right))))
          (local.set $weight (v128.load32_splat (i32.add (local.get $wk) (i32.mul (local.get $row) (i32.const 3)))))
          (local.set $d0 (f32x4.add (local.get $d0) (f32x4.mul (local.get $weight) (local.get $left))))
          (local.set $d1 (f32x4.add (local.get $d1) (f32x4.mul (local.get $weight) (local.get $right))))
          (local.set $wk (i32.add (local.get $wk) (i32.const 4)))
          (local.set $xk (i32.add (local.get $xk) (local.get $xPitch)))
          (br_if $sum (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
        (v128.store (local.get $yo) (local.get $a0))
        (v128.store offset=16 (local.get $yo) (local.get $a1))
        (local.set $yo (i32.add (local.get $yo) (local.get $yPitch)))
        (v128.store (local.get $yo) (local.get $b0))
        (v128.store offset=16 (local.get $yo) (local.get $b1))
        (local.set $yo (i32.add (local.get $yo) (local.get $yPitch)))
        (v128.store (local.get $yo) (local.get $c0))
        (v128.store offset=16 (local.get $yo) (local.get $c1))
        (local.set $yo (i32.add (local.get $yo) (local.get $yPitch)))
        (v128.store (local.get $yo) (local.get $d0))
        (v128.store offset=16 (local.get $yo) (local.get $d1))
        (local.set $yo (i32.add (local.get $yo) (local.get $yPitch)))
        (local.set $wo (i32.add (local.get $wo) (i32.shl (local.get $row) (i32.const 2))))
        (local.set $bo (i32.add (local.get $bo) (i32.const 16)))
        (br_if $fourOutputs (local.tee $o (i32.sub (local.get $o) (i32.const 4)))))
      (local.set $x (i32.add (local.get $x) (i32.const 32)))
      (local.set $y (i32.add (local.get $y) (i32.const 32)))
      (br_if $eightPositions (local.tee $columns (i32.sub (local.get $columns) (i32.const 8))))))

  ;; The sum of a register's four numbers, added to the number at an address.
  (func $addUp (param $at i32) (param $v v128)
    (local.set $v (f32x4.add (local.get $v) (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $v) (local.get $v))))
    (f32.store (local.get $at)
      (f32.add (f32.load (local.get $at))
        (f32.add (f32x4.extract_lane 0 (local.get $v)) (f32x4.extract_lane 1 (local.get $v))))))

  ;; w[o][k] += Σ_p g[o][p]·x[k][p]: what each weight of y = w·x adds to the loss, if g says so of y.
  ;; Four rows of g by two rows of x are summed in eight registers, four positions at a time.
  (func (export "outer")
    (param $g i32) (param $x i32) (param $w i32)
    (param $outputs i32) (param $depth i32) (param $columns i32) (param $gPitch i32) (param $xPitch i32)
    (local $row i32) (local $k i32) (local $o i32) (local $p i32)
    (local $go i32) (local $gp i32) (local $xp i32) (local $at i32)
    (local $first v128) (local $second v128) (local $slope v128)
    (local $a0 v128) (local $a1 v128) (local $b0 v128) (local $b1 v128)
    (local $c0 v128) (local $c1 v128) (local $d0 v128) (local $d1 v128)
    (local.set $row (i32.shl (local.get $depth) (i32.const 2)))
    (local.set $k (local.get $depth))
    (loop $twoInputs
      (local.set $go (local.get $g))
      (local.set $at (local.get $w))
      (local.set $o (local.get $outputs))
      (loop $fourOutputs
        (local.set $a0 (v128.const i32x4 0 0 0 0))
        (local.set $a1 (local.get $a0))
        (local.set $b0 (local.get $a0))
        (local.set $b1 (local.get $a0))
        (local.set $c0 (local.get $a0))
        (local.set $c1 (local.get $a0))
        (local.set $d0 (local.get $a0))
        (local.set $d1 (local.get $a0))
        (local.set $gp (local.get $go))
        (local.set $xp (local.get $x))
        (local.set $p (local.get $columns))
        (loop $sum
          (local.set $first (v128.load (local.get $xp)))
          (local.set $second (v128.load (i32.add (local.get $xp) (local.get $xPitch))))
          (local.set $slope (v128.load (local.get $gp)))
          (local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $slope) (local.get $first))))
          (local.set $a1 (f32x4.add (local.get $a1) (f32x4.mul (local.get $slope) (local.get $second))))
          (local.set $slope (v128.load (i32.add (local.get $gp) (local.get $gPitch))))
          (local.set $b0 (f32x4.add (local.get $b0) (f32x4.mul (local.get $slope) (local.get $first))))
          (local.set $b1 (f32x4.add (local.get $b1) (f32x4.mul (local.get $slope) (local.get $second))))
          (local.set $slope (v128.load (i32.add (local.get $gp) (i32.shl (local.get $gPitch) (i32.const 1)))))
          (local.set $c0 (f32x4.add (local.get $c0) (f32x4.mul (local.get $slope) (local.get $first))))
          (local.set $c1 (f32x4.add (local.get $c1) (f32x4.mul (local.get $slope) (local.get $second))))
          (local.set $slope (v128.load (i32.add (local.get $gp) (i32.mul (local.get $gPitch) (i32.const 3)))))
          (local.set $d0 (f32x4.add (local.get $d0) (f32x4.mul (local.get $slope) (local.get $first))))
          (local.set $d1 (f32x4.add (local.get $d1) (f32x4.mul (local.get $slope) (local.get $second))))
          (local.set $gp (i32.add (local.get $gp) (i32.const 16)))
          (local.set $xp (i32.add (local.get $xp) (i32.const 16)))
          (br_if $sum (local.tee $p (i32.sub (local.get $p) (i32.const 4)))))
        (call $addUp (local.get $at) (local.get $a0))
        (call $addUp (i32.add (local.get $at) (i32.const 4)) (local.get $a1))
        (local.set $at (i32.add (local.get $at) (local.get $row)))
        (call $addUp (local.get $at) (local.get $b0))
        (call $addUp (i32.add (local.get $at) (i32.const 4)) (local.get $b1))
        (local.set $at (i32.add (local.get $at) (local.get $row)))
        (call $addUp (local.get $at) (local.get $c0))
        (call $addUp (i32.add (local.get $at) (i32.const 4)) (local.get $c1))
        (local.set $at (i32.add (local.get $at) (local.get $row)))
        (call $addUp (local.get $at) (local.get $d0))
        (call $addUp (i32.add (local.get $at) (i32.const 4)) (local.get $d1))
        (local.set $at (i32.add (local.get $at) (local.get $row)))
        (local.set $go (i32.add (local.get $go) (i32.shl (local.get $gPitch) (i32.const 2))))
        (br_if $fourOutputs (local.tee $o (i32.sub (local.get $o) (i32.const 4)))))
      (local.set $x (i32.add (local.get $x) (i32.shl (local.get $xPitch) (i32.const 1))))
      (local.set $w (i32.add (local.get $w) (i32.const 8)))
      (br_if $twoInputs (local.tee $k (i32.sub (local.get $k) (i32.const 2))))))

  ;; Σ_i x[i]
  (func (export "sum") (param $x i32) (param $count i32) (result f32)
    (local $left v128) (local $right v128)
    (loop $eight
      (local.set $left (f32x4.add (local.get $left) (v128.load (local.get $x))))
      (local.set $right (f32x4.add (local.get $right) (v128.load offset=16 (local.get $x))))
      (local.set $x (i32.add (local.get $x) (i32.const 32)))
      (br_if $eight (local.tee $count (i32.sub (local.get $count) (i32.const 8)))))
    (call $total (f32x4.add (local.get $left) (local.get $right))))

  (func $total (param $v v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $v)) (f32x4.extract_lane 1 (local.get $v)))
      (f32.add (f32x4.extract_lane 2 (local.get $v)) (f32x4.extract_lane 3 (local.get $v)))))

  ;; Σ_i (a[i] − s)·(b[i] − t): of one vector with itself the sum that a variance needs.
  (func (export "products")
    (param $a i32) (param $b i32) (param $s f32) (param $t f32) (param $count i32) (result f32)
    (local $ss v128) (local $tt v128) (local $left v128) (local $right v128)
    (local.set $ss (f32x4.splat (local.get $s)))
    (local.set $tt (f32x4.splat (local.get $t)))
    (loop $eight
      (local.set $left (f32x4.add (local.get $left)
        (f32x4.mul (f32x4.sub (v128.load (local.get $a)) (local.get $ss))
          (f32x4.sub (v128.load (local.get $b)) (local.get $tt)))))
      (local.set $right (f32x4.add (local.get $right)
        (f32x4.mul (f32x4.sub (v128.load offset=16 (local.get $a)) (local.get $ss))
          (f32x4.sub (v128.load offset=16 (local.get $b)) (local.get $tt)))))
      (local.set $a (i32.add (local.get $a) (i32.const 32)))
      (local.set $b (i32.add (local.get $b) (i32.const 32)))
      (br_if $eight (local.tee $count (i32.sub (local.get $count) (i32.const 8)))))
    (call $total (f32x4.add (local.get $left) (local.get $right))))

  ;; y[i] = max(0, factor·x[i] + shift): batch normalization, with a factor and a shift made of all
  ;; that is the same in a channel, and a ReLU. (f32x4.pmax(x, 0) keeps what is not a number.)
  (func (export "normalize")
    (param $x i32) (param $y i32) (param $factor f32) (param $shift f32) (param $count i32)
    (local $f v128) (local $s v128) (local $zero v128)
    (local.set $f (f32x4.splat (local.get $factor)))
    (local.set $s (f32x4.splat (local.get $shift)))
    (loop $four
      (v128.store (local.get $y)
        (f32x4.pmax
          (f32x4.add (f32x4.mul (v128.load (local.get $x)) (local.get $f)) (local.get $s))
          (local.get $zero)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (br_if $four (local.tee $count (i32.sub (local.get $count) (i32.const 4))))))

  ;; g[i] = 0 where y[i] is not positive: the backward pass of a ReLU with the outputs y.
  (func (export "mask") (param $g i32) (param $y i32) (param $count i32)
    (local $zero v128)
    (loop $four
      (v128.store (local.get $g)
        (v128.and (v128.load (local.get $g)) (f32x4.gt (v128.load (local.get $y)) (local.get $zero))))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (br_if $four (local.tee $count (i32.sub (local.get $count) (i32.const 4))))))

  ;; g[i] = r·g[i] + s·x[i] + t: the backward pass of batch normalization, whose three numbers
  ;; are the same in a channel.
  (func (export "combine")
    (param $g i32) (param $x i32) (param $r f32) (param $s f32) (param $t f32) (param $count i32)
    (local $rr v128) (local $ss v128) (local $tt v128)
    (local.set $rr (f32x4.splat (local.get $r)))
    (local.set $ss (f32x4.splat (local.get $s)))
    (local.set $tt (f32x4.splat (local.get $t)))
    (loop $four
      (v128.store (local.get $g)
        (f32x4.add
          (f32x4.add (f32x4.mul (v128.load (local.get $g)) (local.get $rr))
            (f32x4.mul (v128.load (local.get $x)) (local.get $ss)))
          (local.get $tt)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $four (local.tee $count (i32.sub (local.get $count) (i32.const 4))))))

  ;; y[i] += x[i], for any number of entries: they are pieces of images.
  (func (export "add") (param $x i32) (param $y i32) (param $count i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $x) (i32.shl (local.get $count) (i32.const 2))))
    (block $noFour
      (loop $four
        (br_if $noFour (i32.gt_u (i32.add (local.get $x) (i32.const 16)) (local.get $end)))
        (v128.store (local.get $y) (f32x4.add (v128.load (local.get $y)) (v128.load (local.get $x))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (br $four)))
    (block $none
      (loop $one
        (br_if $none (i32.ge_u (local.get $x) (local.get $end)))
        (f32.store (local.get $y) (f32.add (f32.load (local.get $y)) (f32.load (local.get $x))))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $y (i32.add (local.get $y) (i32.const 4)))
        (br $one)))))
