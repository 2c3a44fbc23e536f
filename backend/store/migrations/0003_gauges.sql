-- Pressure, quota, swap, disk, network, clock, heat and energy of each sample and the readings of its
-- GPUs, packed; see gaugesCol. Samples of before have their GPUs in gpus, and none of the others.
ALTER TABLE sample ADD COLUMN gauges BLOB;
