"""Compiled code of the gridder: footprint polygons into cells, and the sums of each cell.

All of it is in this one module, so that numba's file cache sees every change. Without the JIT
(``NUMBA_DISABLE_JIT=1``) the same functions run as plain Python.

A footprint is a ring of corners in the plane of the grid. It is clipped to one row of cells at a time, the
piece to each column (Sutherland and Hodgman 1974, doi:10.1145/360767.360802). The signed area of a clipped
concave ring is right although the ring may hold zero-width bridges.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from yaotan.compiled import compiled_without_allocation, inlined

# Why a sounding is left out; `REASONS` in footprint.py gives the words in this order.
NAN_CORNER: Final = 0
BAD_CORNER: Final = 1
SELF_INTERSECTING: Final = 2
ZERO_AREA: Final = 3
OUTSIDE_GRID: Final = 4
UNFIT_RESPONSE: Final = 5
NO_TIME: Final = 6
OUTSIDE_PERIOD: Final = 7
NAN_CENTRE: Final = 8
REASON_COUNT: Final = 9

CENTRE: Final = 0
AREA: Final = 1
FOOTPRINT: Final = 2
RESPONSE: Final = 3

# Slots of one row of sums, 128 bytes. Floats: weight, w(x - ref), w(x - ref)^2, w^2, (w u)^2, w u, sum over
# overpasses of (sum w u)^2, w b, area share, and sum w u of the overpass that is open.
W, WX, WXX, WW, WU2, WU, OVER, WB, SHARE, OPEN = range(10)
# Signed integers in the same row: count, first and last time, sub-cells counted, open overpass.
COUNT, FIRST, LAST, BITS, PASS = range(10, 15)
# Unsigned: which sub-cells are covered.
MASK: Final = 15
SLOTS: Final = 16

# Counters: rows used, overpasses set aside, cells for which there was no room; then the cells met last.
USED, ASIDE, WANTED, RECENT = range(4)
RECENT_SIZE: Final = 64
#: Nanoseconds in the window in which soundings of one cell belong to one overpass (30 minutes).
PASS_NS: Final = 1_800_000_000_000
#: Overpass numbers use 24 bits of a key; the offset keeps times before 1970 above 0, which means none.
PASS_BITS: Final = 24
PASS_OFFSET: Final = 1 << 22

_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
# Gauss-Legendre points and weights of order three on [-1, 1].
_NODE: Final = (-math.sqrt(0.6), 0.0, math.sqrt(0.6))
_WEIGHT: Final = (5.0 / 9.0, 8.0 / 9.0, 5.0 / 9.0)
_LN2: Final = math.log(2.0)


@compiled_without_allocation
def locate(edges, inverse_step, value):  # type: ignore[no-untyped-def]
    """Give the half-open cell that holds a value; -1 below and n above the edges."""
    n = edges.size - 1
    if value < edges[0]:
        return -1
    if value >= edges[n]:
        return n
    guess = min(max(int((value - edges[0]) * inverse_step), 0), n - 1)
    if edges[guess] <= value:
        if value < edges[guess + 1]:
            return guess
        if value < edges[guess + 2]:
            return guess + 1
    elif edges[guess - 1] <= value:
        return guess - 1
    return int(np.searchsorted(edges, value, side="right")) - 1


@compiled_without_allocation
def snap(edges, inverse_step, tolerance, value):  # type: ignore[no-untyped-def]
    """Move a value that misses an edge only by rounding onto it, so that no sliver of a cell is filled."""
    n = edges.size - 1
    cell = locate(edges, inverse_step, value)
    if cell >= 0 and value - edges[cell] < tolerance:
        return edges[cell]
    if cell < n and edges[cell + 1] - value < tolerance:
        return edges[cell + 1]
    return value


@compiled_without_allocation
def extent(work, buffer, axis, n):  # type: ignore[no-untyped-def]
    """Give the smallest and largest coordinate of a ring along one axis."""
    low = high = work[buffer, axis, 0]
    for k in range(1, n):
        value = work[buffer, axis, k]
        low, high = min(low, value), max(high, value)
    return low, high


@compiled_without_allocation
def ring(xs, ys, s, geographic, pole, work):  # type: ignore[no-untyped-def]
    """Fill buffer 0 with the unwrapped ring of footprint `s`; give its length, or -1 - reason.

    A corner at a pole stands for all longitudes, so the ring runs into the pole along the meridian of one
    neighbour and out along that of the other. A ring whose longitudes go round by a full turn encloses a
    pole and is closed along it.
    """
    corners = xs.shape[1]
    start, at_pole, touches = 0, 0.0, False
    for k in range(corners):
        x, y = xs[s, k], ys[s, k]
        if not (math.isfinite(x) and math.isfinite(y)):
            return -1 - NAN_CORNER
        if geographic and abs(y) >= pole:
            if abs(y) > pole:
                return -1 - BAD_CORNER
            touches = True
        work[0, 0, k], work[0, 1, k] = x, y
    if not geographic:
        return corners
    if touches:
        for k in range(corners):
            if abs(ys[s, k]) == pole and abs(ys[s, (k + 1) % corners]) < pole:
                start, at_pole = (k + 1) % corners, ys[s, k]
                break
    n, turn = 0, 0.0
    for m in range(corners):
        k = start + m if start + m < corners else start + m - corners
        x, y = xs[s, k], ys[s, k]
        if touches and abs(y) == pole:
            continue
        if n:
            step = x + turn - work[0, 0, n - 1]
            if step < -180.0 or step >= 180.0:
                turn -= 360.0 * math.floor((step + 180.0) / 360.0)
        work[0, 0, n], work[0, 1, n] = x + turn, y
        n += 1
    if n == 0:
        return 0
    if at_pole == 0.0:
        step = work[0, 0, 0] - work[0, 0, n - 1]
        if -180.0 <= step < 180.0:
            return n
        south, north = extent(work, 0, 1, n)
        at_pole = pole if south + north > 0.0 else -pole
        work[0, 0, n] = work[0, 0, 0] - 360.0 * math.floor((step + 180.0) / 360.0)
        work[0, 1, n] = work[0, 1, 0]
        n += 1
    work[0, 0, n], work[0, 1, n] = work[0, 0, n - 1], at_pole
    work[0, 0, n + 1], work[0, 1, n + 1] = work[0, 0, 0], at_pole
    return n + 2


@compiled_without_allocation
def cross(work, a, b, c):  # type: ignore[no-untyped-def]
    """Give the cross product of the ways from corner a to b and from a to c: which side c lies on."""
    ux, uy = work[0, 0, b] - work[0, 0, a], work[0, 1, b] - work[0, 1, a]
    return ux * (work[0, 1, c] - work[0, 1, a]) - uy * (work[0, 0, c] - work[0, 0, a])


@compiled_without_allocation
def crosses_itself(work, n):  # type: ignore[no-untyped-def]
    """Tell whether two edges of the ring in buffer 0 that are not neighbours cross."""
    for a in range(n - 2):
        for c in range(a + 2, n if a else n - 1):
            d = c + 1 if c + 1 < n else 0
            apart = cross(work, a, a + 1, c) * cross(work, a, a + 1, d) < 0.0
            if apart and cross(work, c, d, a) * cross(work, c, d, a + 1) < 0.0:
                return True
    return False


@compiled_without_allocation
def signed_area(work, buffer, n):  # type: ignore[no-untyped-def]
    """Sum triangles about the first corner, which keeps the digits of a small ring."""
    total = 0.0
    x0, y0 = work[buffer, 0, 0], work[buffer, 1, 0]
    before_x, before_y = work[buffer, 0, 1] - x0, work[buffer, 1, 1] - y0
    for k in range(2, n):
        x, y = work[buffer, 0, k] - x0, work[buffer, 1, k] - y0
        total += before_x * y - x * before_y
        before_x, before_y = x, y
    return 0.5 * total


@compiled_without_allocation
def clip(work, source, target, n, axis, bound, sign):  # type: ignore[no-untyped-def]
    """Keep the part of a ring where ``sign * (coordinate - bound) >= 0``; give the new length."""
    other = 1 - axis
    m = 0
    before_main, before_other = work[source, axis, n - 1], work[source, other, n - 1]
    before_side = sign * (before_main - bound)
    for k in range(n):
        main, aside = work[source, axis, k], work[source, other, k]
        side = sign * (main - bound)
        if (before_side > 0.0 and side < 0.0) or (before_side < 0.0 and side > 0.0):
            share = before_side / (before_side - side)
            # the cut lies on the bound itself, not a rounding beside it
            work[target, axis, m] = bound
            work[target, other, m] = before_other + share * (aside - before_other)
            m += 1
        if side >= 0.0:
            work[target, axis, m], work[target, other, m] = main, aside
            m += 1
        before_other, before_side = aside, side
    return m


@compiled_without_allocation
def subcell_mask(work, buffer, n, x0, x1, y0, y1):  # type: ignore[no-untyped-def]
    """Give 64 bits: which of the 8 x 8 sub-cell centres lie in a ring (even-odd rule)."""
    over_x, dy = 8.0 / (x1 - x0), 0.125 * (y1 - y0)
    over_y = 8.0 / (y1 - y0)
    mask = np.uint64(0)
    xa, ya = work[buffer, 0, n - 1], work[buffer, 1, n - 1]
    for k in range(n):
        xb, yb = work[buffer, 0, k], work[buffer, 1, k]
        low, high = (ya, yb) if ya < yb else (yb, ya)
        if low < y1 and high > y0 and low < high:
            first = max(0, math.ceil((low - y0) * over_y - 0.5))
            last = min(8, math.ceil((high - y0) * over_y - 0.5))
            if first < last:
                slope = (xb - xa) / (yb - ya)
                for line in range(first, last):
                    x = xa + (y0 + (line + 0.5) * dy - ya) * slope
                    bit = int(min(8.0, max(0.0, (x - x0) * over_x + 0.5)))
                    mask ^= np.uint64((0xFF << bit) & 0xFF) << np.uint64(8 * line)
        xa, ya = xb, yb
    return mask


@compiled_without_allocation
def popcount(mask):  # type: ignore[no-untyped-def]
    """Count the bits of a 64-bit mask: pairs, nibbles, bytes, then the sum of the bytes."""
    mask = mask - ((mask >> np.uint64(1)) & np.uint64(0x5555555555555555))
    mask = (mask & np.uint64(0x3333333333333333)) + ((mask >> np.uint64(2)) & np.uint64(0x3333333333333333))
    mask = (mask + (mask >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    mask = mask + (mask >> np.uint64(8))
    mask = mask + (mask >> np.uint64(16))
    mask = mask + (mask >> np.uint64(32))
    return np.int64(mask & np.uint64(0x7F))


@compiled_without_allocation
def slot_of(slots, key):  # type: ignore[no-untyped-def]
    """Find the place of a key, or the free place for it, in an open-addressing table (-1 is free)."""
    size_mask = slots.size - 1
    # the product of 31 and 32 bits fits into a signed 64-bit integer with and without the JIT
    place = ((((key ^ (key >> 31)) & 0x7FFFFFFF) * 2654435769) >> 16) & size_mask
    while slots[place] != key and slots[place] != -1:
        place = (place + 1) & size_mask
    return place


@compiled_without_allocation
def refill(keys, count, slots, rows):  # type: ignore[no-untyped-def]
    """Enter the first `count` keys with their row numbers into an empty table."""
    for row in range(count):
        place = slot_of(slots, keys[row])
        slots[place], rows[place] = keys[row], row


@compiled_without_allocation
def refill_open(keys, sums, first_pass, slots, held):  # type: ignore[no-untyped-def]
    """Enter those open overpasses that may still grow into an empty table; give how many."""
    count = 0
    for k in range(keys.size):
        if keys[k] >= 0 and (keys[k] & ((1 << PASS_BITS) - 1)) >= first_pass:
            place = slot_of(slots, keys[k])
            slots[place], held[place] = keys[k], sums[k]
            count += 1
    return count


@compiled_without_allocation
def change_overpass(number, still_open, row, v, table, spill, counters):  # type: ignore[no-untyped-def]
    """Take up another overpass of a cell; put the old one aside if more of its soundings can come."""
    floats, ints, slots, held = table[0], table[1], spill[0], spill[1]
    cell_variable = (row * floats.shape[1] + v) << PASS_BITS
    before = ints[row, v, PASS]
    if before > 0 and before >= still_open:
        place = slot_of(slots, cell_variable | before)
        if slots[place] == -1:
            slots[place] = cell_variable | before
            counters[ASIDE] += 1
        held[place] = floats[row, v, OPEN]
    floats[row, v, OPEN] = 0.0
    if counters[ASIDE] > 0 and before > 0:
        place = slot_of(slots, cell_variable | number)
        if slots[place] != -1:
            floats[row, v, OPEN] = held[place]
    ints[row, v, PASS] = number


@inlined
def add(row, weight, share, mask, k, usable, data, options, table, spill, counters):  # type: ignore[no-untyped-def]
    """Add one sounding to the sums of one cell, for each variable that it has."""
    values, sigma, bias, times, passes, still_open = data
    floats, ints, masks = table
    time = times[k]
    bits = popcount(mask)
    for v in range(values.shape[0]):
        if not usable[v]:
            continue
        x, u = values[v, k], sigma[v, k if sigma.shape[1] > 1 else 0]
        w = weight / (u * u) if options[0] else weight
        wu = w * u
        if ints[row, v, PASS] != passes[k]:
            change_overpass(passes[k], still_open[k], row, v, table, spill, counters)
        floats[row, v, W] += w
        floats[row, v, WX] += w * x
        floats[row, v, WXX] += w * x * x
        floats[row, v, WW] += w * w
        floats[row, v, WU2] += wu * wu
        floats[row, v, WU] += wu
        # (s + wu)^2 - s^2: the sum over overpasses is complete at any moment
        floats[row, v, OVER] += wu * (2.0 * floats[row, v, OPEN] + wu)
        floats[row, v, OPEN] += wu
        floats[row, v, WB] += w * bias[v, k if bias.shape[1] > 1 else 0]
        floats[row, v, SHARE] += share
        if ints[row, v, COUNT] == 0:
            ints[row, v, FIRST] = ints[row, v, LAST] = time
        elif time < ints[row, v, FIRST]:
            ints[row, v, FIRST] = time
        elif time > ints[row, v, LAST]:
            ints[row, v, LAST] = time
        ints[row, v, COUNT] += 1
        ints[row, v, BITS] += bits
        masks[row, v, MASK] |= mask


@inlined
def row_of(key, keys, slots, rows, counters):  # type: ignore[no-untyped-def]
    """Give the row of a cell, a new one where it is met for the first time."""
    # the few cells under the present part of the track are found without a search
    recent = RECENT + (key & (RECENT_SIZE - 1))
    row = counters[recent]
    if row >= counters[0] or keys[row] != key:
        place = slot_of(slots, key)
        if slots[place] == -1:
            slots[place], rows[place] = key, counters[0]
            keys[counters[0]] = key
            counters[USED] += 1
        row = rows[place]
        counters[recent] = row
    return row


@compiled_without_allocation
def check_values(k, data, options, usable, lost):  # type: ignore[no-untyped-def]
    """Note which variables a sounding can serve; count those it cannot, by reason; tell if any is left."""
    values, sigma = data[0], data[1]
    some = False
    for v in range(values.shape[0]):
        u = sigma[v, k if sigma.shape[1] > 1 else 0]
        usable[v] = False
        if not math.isfinite(values[v, k]):
            lost[v, 0] += 1
        elif not u >= 0.0 or u == math.inf or (options[0] and u == 0.0):
            lost[v, 1] += 1
        else:
            usable[v] = some = True
    return some


@compiled_without_allocation
def square_map(work, h):  # type: ignore[no-untyped-def]
    """Fill `h` with the projective map of the unit square to the ring of buffer 1, and its inverse."""
    px, py = work[1, 0], work[1, 1]
    sx, sy = px[0] - px[1] + px[2] - px[3], py[0] - py[1] + py[2] - py[3]
    ux, uy, vx, vy = px[1] - px[2], py[1] - py[2], px[3] - px[2], py[3] - py[2]
    det = ux * vy - vx * uy
    g, q = (sx * vy - vx * sy) / det, (ux * sy - sx * uy) / det
    a, b, c = px[1] - px[0] + g * px[1], px[3] - px[0] + q * px[3], px[0]
    d, e, f = py[1] - py[0] + g * py[1], py[3] - py[0] + q * py[3], py[0]
    h[0, 0], h[0, 1], h[0, 2], h[0, 3], h[0, 4], h[0, 5] = a, b, c, d, e, f
    h[0, 6], h[0, 7] = g, q
    h[1, 0], h[1, 1], h[1, 2] = e - f * q, c * q - b, b * f - c * e
    h[1, 3], h[1, 4], h[1, 5] = f * g - d, a - c * g, c * d - a * f
    h[1, 6], h[1, 7], h[1, 8] = d * q - e * g, b * g - a * q, a * e - b * d
    middle = 1.0 + 0.5 * (g + q)
    x, y = (0.5 * (a + b) + c) / middle, (0.5 * (d + e) + f) / middle
    h[0, 8] = h[1, 6] * x + h[1, 7] * y + h[1, 8]  # sign of the depth inside the footprint


@compiled_without_allocation
def response_at(x, y, h, shape):  # type: ignore[no-untyped-def]
    """Give the response at a point: 1 in the middle, 1/2 at the middle of each side."""
    depth = h[1, 6] * x + h[1, 7] * y + h[1, 8]
    # beyond the vanishing line of the projective map the plane comes back mirrored
    if depth * h[0, 8] <= 0.0:
        return 0.0
    u = abs(2.0 * (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / depth - 1.0) / shape[3]
    v = abs(2.0 * (h[1, 3] * x + h[1, 4] * y + h[1, 5]) / depth - 1.0) / shape[4]
    value = math.exp(-_LN2 * (u ** shape[0] + v ** shape[1]) ** shape[2])
    return value if value >= shape[5] else 0.0


@inlined
def emit(key, weight, share, mask, k, usable, data, options, state):  # type: ignore[no-untyped-def]
    """Add one sounding to one cell."""
    keys, slots, rows, table, spill, counters = state
    row = row_of(key, keys, slots, rows, counters)
    add(row, weight, share, mask, k, usable, data, options, table, spill, counters)


@compiled_without_allocation
def cell_range(edges, inverse_step, low, high):  # type: ignore[no-untyped-def]
    """Give the first and last cell that an interval enters (last < first: none)."""
    n = edges.size - 1
    if high <= edges[0] or low >= edges[n]:
        return 0, -1
    first = max(locate(edges, inverse_step, low), 0)
    last = min(locate(edges, inverse_step, high), n - 1)
    if last > first and edges[last] >= high:
        last -= 1
    return first, last


@compiled_without_allocation
def turns_of(grid, low, high):  # type: ignore[no-untyped-def]
    """Give the first and last full turn by which a footprint must be moved to meet the grid."""
    xe = grid[1]
    if not grid[7] or (low >= xe[0] and high <= xe[xe.size - 1]):
        return 0, 0
    return math.ceil((xe[0] - high) / 360.0), math.floor((xe[xe.size - 1] - low) / 360.0)


@compiled_without_allocation
def centre_cell(x, y, grid):  # type: ignore[no-untyped-def]
    """Give row and column (in rising order) of a point; -1 outside. The last cell holds its upper edge."""
    ye, xe, inverse_y, inverse_x = grid[0], grid[1], grid[2], grid[3]
    ny, nx = ye.size - 1, xe.size - 1
    row = ny - 1 if y == ye[ny] else locate(ye, inverse_y, y)
    if row < 0 or row >= ny:
        return -1, -1
    if grid[7]:
        # into the full turn that begins at the first edge; a last edge a full turn later is the first again
        x -= 360.0 * math.floor((x - xe[0]) / 360.0)
    column = nx - 1 if x == xe[nx] else locate(xe, inverse_x, x)
    if column < 0 or column >= nx:
        return -1, -1
    return row, column


@compiled_without_allocation
def cell_key(base, row, column, grid):  # type: ignore[no-untyped-def]
    """Give the flat cell number in the order of the grid (rows may fall)."""
    ny, nx = grid[0].size - 1, grid[1].size - 1
    return base + (ny - 1 - row if grid[6] else row) * nx + column


@compiled_without_allocation
def move_ring(work, n, turn, grid):  # type: ignore[no-untyped-def]
    """Copy the ring from buffer 0 to buffer 1, moved by full turns, corners beside an edge put on it."""
    for c in range(n):
        work[1, 0, c] = snap(grid[1], grid[3], grid[5], work[0, 0, c] + 360.0 * turn)
        work[1, 1, c] = snap(grid[0], grid[2], grid[4], work[0, 1, c])


@compiled_without_allocation
def lies_in_one(work, n, shift, x_low, x_high, grid, place):  # type: ignore[no-untyped-def]
    """Tell whether a footprint lies clear of all edges in one cell, and note its row and column."""
    y_low, y_high = extent(work, 0, 1, n)
    j, i = locate(grid[0], grid[2], y_low), locate(grid[1], grid[3], x_low + shift)
    if j < 0 or i < 0 or j >= grid[0].size - 1 or i >= grid[1].size - 1:
        return False
    place[0], place[1] = j, i
    return (
        x_low + shift - grid[1][i] > grid[5]
        and grid[1][i + 1] - x_high - shift > grid[5]
        and y_low - grid[0][j] > grid[4]
        and grid[0][j + 1] - y_high > grid[4]
    )


@compiled_without_allocation
def piece_area(work, buffer, n, low, high, x0, x1):  # type: ignore[no-untyped-def]
    """Give the signed area of the part of a ring between two columns' edges."""
    if low < x0:
        n = clip(work, buffer, 4, n, 0, x0, 1.0)
        buffer = 4
    if high > x1:
        n = clip(work, buffer, 5, n, 0, x1, -1.0)
        buffer = 5
    return signed_area(work, buffer, n) if n > 2 else 0.0


@inlined
def spread_area(k, n, area, work, place, base, usable, data, options, grid, state):  # type: ignore[no-untyped-def]
    """Give each cell its share of a footprint; tell how many cells got one."""
    ye, xe = grid[0], grid[1]
    hits = 0
    x_low, x_high = extent(work, 0, 0, n)
    first, last = turns_of(grid, x_low, x_high)
    for turn in range(first, last + 1):
        if lies_in_one(work, n, 360.0 * turn, x_low, x_high, grid, place):
            j, i = place[0], place[1]
            x0, x1 = xe[i] - 360.0 * turn, xe[i + 1] - 360.0 * turn
            share = abs(area) / ((x1 - x0) * (ye[j + 1] - ye[j]))
            mask = subcell_mask(work, 0, n, x0, x1, ye[j], ye[j + 1])
            weight = share if options[1] == AREA else 1.0
            emit(cell_key(base, j, i, grid), weight, share, mask, k, usable, data, options, state)
            return hits + 1
        move_ring(work, n, turn, grid)
        x_low, x_high = extent(work, 1, 0, n)
        y_low, y_high = extent(work, 1, 1, n)
        i0, i1 = cell_range(xe, grid[3], x_low, x_high)
        j0, j1 = cell_range(ye, grid[2], y_low, y_high)
        # about the first corner, so that a small footprint far from zero keeps its digits
        ox, oy = work[1, 0, 0], work[1, 1, 0]
        for c in range(n):
            work[1, 0, c] -= ox
            work[1, 1, c] -= oy
        y_low, y_high = y_low - oy, y_high - oy
        for j in range(j0, j1 + 1):
            y0, y1 = ye[j] - oy, ye[j + 1] - oy
            buffer, m = 1, n
            if y_low < y0:
                m = clip(work, buffer, 2, m, 1, y0, 1.0)
                buffer = 2
            if y_high > y1:
                m = clip(work, buffer, 3, m, 1, y1, -1.0)
                buffer = 3
            if m < 3:
                continue
            low, high = extent(work, buffer, 0, m)
            for i in range(i0, i1 + 1):
                x0, x1 = xe[i] - ox, xe[i + 1] - ox
                if high <= x0 or low >= x1:
                    continue
                piece = piece_area(work, buffer, m, low, high, x0, x1)
                if area < 0.0:
                    piece = -piece
                if piece > 0.0:
                    share = piece / ((x1 - x0) * (y1 - y0))
                    mask = _ALL if share > 1.0 - 1e-12 else subcell_mask(work, 1, n, x0, x1, y0, y1)
                    weight = share if options[1] == AREA else piece / abs(area)
                    key = cell_key(base, j, i, grid)
                    emit(key, weight, share, mask, k, usable, data, options, state)
                    hits += 1
    return hits


@compiled_without_allocation
def response_box(h, shape, box):  # type: ignore[no-untyped-def]
    """Fill `box` with the extent of the response above its tail; False where the map has no such box."""
    box[0], box[1], box[2], box[3] = math.inf, -math.inf, math.inf, -math.inf
    for corner in range(4):
        u = 0.5 + (shape[6] if corner % 2 else -shape[6])
        v = 0.5 + (shape[7] if corner // 2 else -shape[7])
        depth = h[0, 6] * u + h[0, 7] * v + 1.0
        if depth <= 0.0:
            return False
        x = (h[0, 0] * u + h[0, 1] * v + h[0, 2]) / depth
        y = (h[0, 3] * u + h[0, 4] * v + h[0, 5]) / depth
        box[0], box[1], box[2], box[3] = min(box[0], x), max(box[1], x), min(box[2], y), max(box[3], y)
    return True


@compiled_without_allocation
def integrate(x0, x1, y0, y1, fine_x, fine_y, h, shape):  # type: ignore[no-untyped-def]
    """Integrate the response over a rectangle: 3 x 3 Gauss-Legendre points in pieces finer than its width."""
    nx = min(64, math.ceil((x1 - x0) / fine_x))
    ny = min(64, math.ceil((y1 - y0) / fine_y))
    dx, dy = (x1 - x0) / nx, (y1 - y0) / ny
    total = 0.0
    for j in range(ny):
        for i in range(nx):
            for b in range(3):
                y = y0 + dy * (j + 0.5 + 0.5 * _NODE[b])
                for a in range(3):
                    x = x0 + dx * (i + 0.5 + 0.5 * _NODE[a])
                    total += _WEIGHT[a] * _WEIGHT[b] * response_at(x, y, h, shape)
    return 0.25 * total * dx * dy


@compiled_without_allocation
def spread_response(k, area, work, h, box, base, usable, data, options, grid, state):  # type: ignore[no-untyped-def]
    """Give each cell its part of the spatial response of a quadrilateral; tell how many cells got one."""
    ye, xe, shape = grid[0], grid[1], options[2]
    for c in range(4):
        work[1, 0, c], work[1, 1, c] = work[0, 0, c] - work[0, 0, 0], work[0, 1, c] - work[0, 1, 0]
    square_map(work, h)
    west, east = extent(work, 1, 0, 4)
    south, north = extent(work, 1, 1, 4)
    # half of the width that a parallelogram has along each axis, which is small when it lies aslant
    fine_x, fine_y = 0.5 * abs(area) / (north - south), 0.5 * abs(area) / (east - west)
    if not response_box(h, shape, box):
        return -1
    hits = 0
    first, last = turns_of(grid, work[0, 0, 0] + box[0], work[0, 0, 0] + box[1])
    for turn in range(first, last + 1):
        ox, oy = work[0, 0, 0] + 360.0 * turn, work[0, 1, 0]
        i0, i1 = cell_range(xe, grid[3], ox + box[0], ox + box[1])
        j0, j1 = cell_range(ye, grid[2], oy + box[2], oy + box[3])
        for j in range(j0, j1 + 1):
            y0, y1 = ye[j] - oy, ye[j + 1] - oy
            for i in range(i0, i1 + 1):
                x0, x1 = xe[i] - ox, xe[i + 1] - ox
                left, right, low, high = max(x0, box[0]), min(x1, box[1]), max(y0, box[2]), min(y1, box[3])
                if not (right > left and high > low):
                    continue
                part = integrate(left, right, low, high, fine_x, fine_y, h, shape)
                if part > 0.0:
                    share = part / ((x1 - x0) * (y1 - y0))
                    mask = subcell_mask(work, 1, 4, x0, x1, y0, y1)
                    key = cell_key(base, j, i, grid)
                    emit(key, part / abs(area), share, mask, k, usable, data, options, state)
                    hits += 1
    return hits


@compiled_without_allocation
def cells_bound(width, height, grid, factor):  # type: ignore[no-untyped-def]
    """Give an upper bound of the number of cells that a footprint can fill, wherever it lies."""
    columns = min(3.0 * grid[1].size, width * (1.0 + 2.0 * factor) * grid[11] + 8.0)
    return int(columns) * int(min(1.0 * grid[0].size, height * (1.0 + 2.0 * factor) * grid[10] + 3.0))


@inlined
def lacks_room(wanted, variables, state):  # type: ignore[no-untyped-def]
    """Tell whether the tables are too small for so many more cells; note how many are wanted."""
    state[5][WANTED] = wanted
    return (
        state[5][USED] + wanted > state[0].size
        or 2 * (state[5][ASIDE] + wanted * variables) > state[4][0].size
    )


@compiled_without_allocation
def bin_point(k, nominal, points, base, usable, data, options, grid, state, lost):  # type: ignore[no-untyped-def]
    """Put a sounding into the cell of its centre; give -1, or the reason why not."""
    x, y = points[0][k], points[1][k]
    if not (math.isfinite(x) and math.isfinite(y)):
        return NAN_CENTRE
    row, column = centre_cell(x, y, grid)
    if row < 0:
        return OUTSIDE_GRID
    if check_values(k, data, options, usable, lost):
        share = nominal / (grid[9][row] * (grid[1][column + 1] - grid[1][column]))
        weight = share if options[1] == AREA else 1.0
        key = cell_key(base, row, column, grid)
        emit(key, weight, share, np.uint64(0), k, usable, data, options, state)
    return -1


@compiled_without_allocation
def bin_chunk(start, room, points, corners, periods, data, options, grid, state, lost, rejected):  # type: ignore[no-untyped-def]
    """Add soundings to the sums, from number `start` on.

    Gives the number of the sounding at which the tables must grow first, or the number of soundings. Every
    rejected sounding is counted once in `rejected` (by reason), and once in `lost` for each variable.
    """
    count = corners[0].shape[0]
    work, place, usable, h, box = room
    cells = (grid[0].size - 1) * (grid[1].size - 1)
    mode, nominal, times = options[1], options[3], data[3]
    for k in range(start, times.size):
        if periods[k] < 0:
            rejected[NO_TIME if periods[k] == -2 else OUTSIDE_PERIOD] += 1
            continue
        if lacks_room(1, usable.size, state):
            return k
        base = periods[k] * cells
        n = ring(corners[0], corners[1], k, grid[7], grid[8], work) if count else 0
        if n < 0:
            rejected[-1 - n] += 1
            continue
        area, dx, dy = 0.0, 0.0, 0.0
        if n > 2:
            if crosses_itself(work, n):
                rejected[SELF_INTERSECTING] += 1
                continue
            area = signed_area(work, 0, n)
            west, east = extent(work, 0, 0, n)
            south, north = extent(work, 0, 1, n)
            dx, dy = east - west, north - south
            # rounding of the corners leaves a line with an area of this order
            if abs(area) <= 1e-12 * (dx * dx + dy * dy):
                area = 0.0
        if mode == CENTRE or (area == 0.0 and nominal > 0.0):
            reason = bin_point(k, nominal, points, base, usable, data, options, grid, state, lost)
        elif area == 0.0:
            reason = ZERO_AREA
        elif mode == RESPONSE and n != 4:
            reason = UNFIT_RESPONSE
        else:
            if lacks_room(cells_bound(dx, dy, grid, options[4]), usable.size, state):
                return k
            reason = -1
            if check_values(k, data, options, usable, lost):
                if mode == RESPONSE:
                    hits = spread_response(k, area, work, h, box, base, usable, data, options, grid, state)
                else:
                    hits = spread_area(k, n, area, work, place, base, usable, data, options, grid, state)
                reason = -1 if hits > 0 else (OUTSIDE_GRID if hits == 0 else UNFIT_RESPONSE)
        if reason >= 0:
            rejected[reason] += 1
    return times.size


def make_room(corners: int, variables: int) -> tuple[Any, ...]:
    """Allocate what `bin_chunk` works in: rings, a cell, variables in use, a projective map and its box."""
    return (
        np.zeros((6, 2, 8 * (corners + 3))),
        np.zeros(2, dtype=np.int64),
        np.zeros(variables, dtype=np.bool_),
        np.zeros((2, 9)),
        np.zeros(4),
    )
