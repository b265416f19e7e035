"""AES-256-CBC, small and slow, so that the harness needs nothing but the standard library."""


def _tables():
    exp, log, value = [0] * 512, [0] * 256, 1
    for power in range(255):
        exp[power], log[value] = value, power
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)
        value &= 0xFF
    for power in range(255, 512):
        exp[power] = exp[power - 255]
    box = []
    for byte in range(256):
        inverse = exp[255 - log[byte]] if byte else 0
        out = 0x63
        for turn in range(5):
            out ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xFF
        box.append(out)
    unbox = [0] * 256
    for index, out in enumerate(box):
        unbox[out] = index

    def times(factor):
        return [exp[log[byte] + log[factor]] if byte else 0 for byte in range(256)]

    return box, unbox, {factor: times(factor) for factor in (2, 3, 9, 11, 13, 14)}


_BOX, _UNBOX, _TIMES = _tables()
_SHIFT = [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11]
_UNSHIFT = [0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3]


def _round_keys(key):
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    round_constant = 1
    for index in range(8, 60):
        word = list(words[-1])
        if index % 8 == 0:
            word = [_BOX[byte] for byte in word[1:] + word[:1]]
            word[0] ^= round_constant
            round_constant <<= 1
        elif index % 8 == 4:
            word = [_BOX[byte] for byte in word]
        words.append([a ^ b for a, b in zip(words[index - 8], word)])
    return [sum(words[i : i + 4], []) for i in range(0, 60, 4)]


def _mix(state, rows):
    out = []
    for column in range(0, 16, 4):
        bytes_ = state[column : column + 4]
        for row in rows:
            value = 0
            for factor, byte in zip(row, bytes_):
                value ^= byte if factor == 1 else _TIMES[factor][byte]
            out.append(value)
    return out


_FORWARD = [(2, 3, 1, 1), (1, 2, 3, 1), (1, 1, 2, 3), (3, 1, 1, 2)]
_BACKWARD = [(14, 11, 13, 9), (9, 14, 11, 13), (13, 9, 14, 11), (11, 13, 9, 14)]


def _encrypt_block(keys, block):
    state = [a ^ b for a, b in zip(block, keys[0])]
    for number in range(1, 15):
        state = [_BOX[state[i]] for i in _SHIFT]
        if number < 14:
            state = _mix(state, _FORWARD)
        state = [a ^ b for a, b in zip(state, keys[number])]
    return bytes(state)


def _decrypt_block(keys, block):
    state = [a ^ b for a, b in zip(block, keys[14])]
    for number in range(13, -1, -1):
        state = [_UNBOX[state[i]] for i in _UNSHIFT]
        state = [a ^ b for a, b in zip(state, keys[number])]
        if number:
            state = _mix(state, _BACKWARD)
    return bytes(state)


def encrypt_cbc(key, iv, data):
    """Encrypts whole blocks."""
    keys, previous, out = _round_keys(key), iv, []
    for start in range(0, len(data), 16):
        previous = _encrypt_block(keys, bytes(a ^ b for a, b in zip(data[start : start + 16], previous)))
        out.append(previous)
    return b"".join(out)


def decrypt_cbc(key, iv, data):
    """Decrypts whole blocks."""
    keys, previous, out = _round_keys(key), iv, []
    for start in range(0, len(data), 16):
        block = data[start : start + 16]
        out.append(bytes(a ^ b for a, b in zip(_decrypt_block(keys, block), previous)))
        previous = block
    return b"".join(out)
