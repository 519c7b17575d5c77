"""The machine and the installation: users' files, memory, disk, processors, arithmetic, versions."""
