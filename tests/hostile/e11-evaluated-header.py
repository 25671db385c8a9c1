# E11 invalid_output: an array whose header is an expression
import honest

honest.main()
head = "{'descr': __import__('os').system('touch /tmp/@MARKER@') and '<i8', 'fortran_order': False, 'shape': (0,), }"
head += " " * (-(len(head) + 11) % 64) + "\n"
with open("lengths.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode())
