"""This machine: files, ports, descriptors, disks, clock, resolver, memory. One module per step, `series` for all."""
