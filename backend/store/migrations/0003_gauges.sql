-- Pressure, quota, swap, disk, network, clock, heat and energy of each sample, packed; see gaugesCol.
-- Samples of before have none.
ALTER TABLE sample ADD COLUMN gauges BLOB;
