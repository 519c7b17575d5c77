"""What the machine and the installation are: files, memory, processors, arithmetic, versions."""
